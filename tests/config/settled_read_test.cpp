#include "config/settled_read.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

#include <filesystem>
#include <fstream>

using namespace berth;
using berth::test::TempDir;

namespace fs = std::filesystem;

namespace {

void write(const std::string& path, const std::string& text) {
  fs::create_directories(fs::path{path}.parent_path());
  std::ofstream{path, std::ios::binary | std::ios::trunc} << text;
}

/// Reads the file, and lets something happen to it behind every read.
ReadResult read_beside(const std::string& file, const std::function<void(int)>& happen) {
  auto reads = 0;
  return read_settled(file, [&] {
    auto result = read_config_files(file);
    happen(++reads);
    return result;
  });
}

std::vector<ConfigText> texts_in(const ReadResult& result) {
  INFO(render(result ? std::vector<ConfigError>{} : result.error()));
  REQUIRE(result);
  return *result;
}

} // namespace

TEST_CASE("whatever happens to the files after the first read, what counts is what they come to", "[config]") {
  struct Row {
    std::string what;
    std::function<void(const TempDir&)> happen;
    /// Of the main file and of the drop-in; the latter is gone if empty.
    std::string text;
    std::string drop_in;
  };
  auto row = GENERATE(values<Row>({
      {"nothing", [](const TempDir&) {}, "whole", "more"},
      {"it is cut", [](const TempDir& dir) { fs::resize_file(dir / "berth.yaml", 2); }, "wh", "more"},
      {"it grows", [](const TempDir& dir) { std::ofstream{dir / "berth.yaml", std::ios::app} << "r"; }, "wholer", "more"},
      {"as many bytes are others", [](const TempDir& dir) { write(dir / "berth.yaml", "WHOLE"); }, "WHOLE", "more"},
      {"it is replaced",
       [](const TempDir& dir) {
         write(dir / "new", "WHOLE");
         fs::rename(dir / "new", dir / "berth.yaml");
       },
       "WHOLE", "more"},
      {"it is replaced by the same",
       [](const TempDir& dir) {
         write(dir / "new", "whole");
         fs::rename(dir / "new", dir / "berth.yaml");
       },
       "whole", "more"},
      {"a drop-in changes", [](const TempDir& dir) { write(dir / "conf.d/a.yaml", "less"); }, "whole", "less"},
      {"a drop-in goes", [](const TempDir& dir) { fs::remove(dir / "conf.d/a.yaml"); }, "whole", ""},
  }));
  INFO(row.what);
  auto dir = TempDir{};
  auto file = dir / "berth.yaml";
  write(file, "whole");
  write(dir / "conf.d/a.yaml", "more");
  auto texts = texts_in(read_beside(file, [&](int reads) {
    if (reads == 1)
      row.happen(dir);
  }));
  REQUIRE(texts.size() == (row.drop_in.empty() ? 1 : 2));
  CHECK(texts[0].text == row.text);
  if (!row.drop_in.empty())
    CHECK(texts[1].text == row.drop_in);
}

TEST_CASE("a file that is gone for the moment of a replacement is read when it is back", "[config]") {
  auto dir = TempDir{};
  auto file = dir / "berth.yaml";
  auto texts = texts_in(read_beside(file, [&](int) { write(file, "back"); }));
  REQUIRE(texts.size() == 1);
  CHECK(texts[0].text == "back");
}

TEST_CASE("a file that never comes to rest is an error that names it", "[config]") {
  auto dir = TempDir{};
  auto file = dir / "berth.yaml";
  auto drop_in = dir / "conf.d/a.yaml";
  write(file, "");
  write(drop_in, "");
  SECTION("the main file") {
    auto result = read_beside(file, [&](int reads) { write(file, std::string(static_cast<size_t>(reads), 'x')); });
    REQUIRE_FALSE(result);
    CHECK(render(result.error())
          == file + ": changes while it is read; try again when it is complete, or write another file and rename it");
  }
  SECTION("a drop-in") {
    auto result = read_beside(file, [&](int reads) { write(drop_in, std::string(static_cast<size_t>(reads), 'x')); });
    REQUIRE_FALSE(result);
    CHECK(result.error().front().where.file == drop_in);
  }
  SECTION("a drop-in that comes and goes") {
    auto other = dir / "conf.d/b.yaml";
    auto result = read_beside(file, [&](int reads) {
      if (reads % 2 == 1)
        write(other, "");
      else
        fs::remove(other);
    });
    REQUIRE_FALSE(result);
    CHECK(result.error().front().where.file == other);
  }
  SECTION("the main file, which comes and goes") {
    auto result = read_beside(file, [&](int reads) {
      if (reads % 2 == 0)
        write(file, "");
      else
        fs::remove(file);
    });
    REQUIRE_FALSE(result);
    CHECK(result.error().front().where.file == file);
  }
}
