#include "config/describe_settings.hpp"
#include "tests/config/load.hpp"
#include "tests/support/catch.hpp"

#include <fstream>
#include <random>
#include <sstream>

using namespace berth;

namespace {

const auto example = std::string{BERTH_SOURCE_DIR} + "/config/berth.yaml";

std::string example_text() {
  auto in = std::ifstream{example, std::ios::binary};
  auto text = std::ostringstream{};
  text << in.rdbuf();
  return text.str();
}

} // namespace

TEST_CASE("the example configuration is valid and little in it is without effect", "[config]") {
  auto loaded = load_config(example);
  REQUIRE(loaded);
  CHECK(loaded->pools.size() == 3);
  CHECK(loaded->notices.empty());
  REQUIRE(loaded->ignored.size() == 2);
  CHECK(loaded->ignored[0].path == "worker.pools.standard.criuEnabled");
  CHECK(loaded->ignored[1].path == "worker.pools.gpu.gpuType");
}

TEST_CASE("the example configuration mentions every key", "[config]") {
  auto settings = load_config(example);
  REQUIRE(settings);
  auto text = example_text();
  for (const auto& row : describe(*settings)) {
    auto key = row.path.substr(row.path.rfind('.') + 1);
    INFO(row.path);
    CHECK(text.find(key + ':') != std::string::npos);
  }
}

TEST_CASE("what the example comments out is the default", "[config]") {
  auto text = example_text();
  auto settings = load_settings({{"f.yaml", text}});
  REQUIRE(settings);
  for (auto line : {"# runtime: runc", "# maxConcurrentStarts: 0", "# terminationGracePeriod: 30",
                    "# oomGroup: false"}) {
    INFO(line);
    auto i = text.find(line);
    REQUIRE(i != std::string::npos);
    text.erase(i, 2);
  }
  auto uncommented = load_settings({{"f.yaml", text}});
  REQUIRE(uncommented);
  auto before = describe(*settings);
  auto after = describe(*uncommented);
  REQUIRE(before.size() == after.size());
  for (size_t i = 0; i < before.size(); ++i) {
    INFO(before[i].path);
    CHECK(before[i].value == after[i].value);
  }
}

TEST_CASE("the example with random damage is read or refused with reasons", "[config]") {
  auto original = example_text();
  REQUIRE(original.size() > 1000);
  auto random = std::mt19937{20240229};
  auto below = [&](size_t limit) {
    return static_cast<size_t>(random() % limit);
  };
  const auto syntax = std::string{":-?[]{}&*!|>'\"%@`#,\n\t <~\\"};
  auto refused = 0;
  for (auto round = 0; round < 2000; ++round) {
    auto text = original;
    auto edits = 1 + below(8);
    for (size_t edit = 0; edit < edits; ++edit) {
      auto i = below(text.size());
      switch (below(5)) {
        case 0: text[i] = static_cast<char>(below(256)); break;
        case 1: text[i] = syntax[below(syntax.size())]; break;
        case 2: text.insert(i, 1 + below(4), syntax[below(syntax.size())]); break;
        case 3: text.erase(i, 1 + below(40)); break;
        case 4: text.insert(i, original.substr(below(original.size()), below(200))); break;
      }
    }
    auto loaded = load_settings({{"f.yaml", text}});
    if (loaded) {
      CHECK_FALSE(describe(*loaded).empty());
      continue;
    }
    ++refused;
    REQUIRE_FALSE(loaded.error().empty());
    for (const auto& error : loaded.error())
      CHECK_FALSE(error.what.empty());
    CHECK(render(loaded.error()).find('\0') == std::string::npos);
  }
  // The damage is real, and not always fatal.
  CHECK(refused > 500);
  CHECK(refused < 2000);
}
