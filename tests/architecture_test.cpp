#include "tests/support/catch.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace fs = std::filesystem;

namespace {

struct SourceFile {
  /// Relative to the top of the repository.
  std::string path;
  std::vector<std::string> lines;
};

const auto folders = std::vector<std::string>{"messages", "config", "runtimes", "actors", "apps"};

std::vector<SourceFile> read_sources(const std::vector<std::string>& from) {
  auto result = std::vector<SourceFile>{};
  const auto root = fs::path{BERTH_SOURCE_DIR};
  for (const auto& folder : from)
    for (const auto& entry : fs::recursive_directory_iterator{root / folder}) {
      auto extension = entry.path().extension();
      if (!entry.is_regular_file() || (extension != ".hpp" && extension != ".cpp"))
        continue;
      auto file = SourceFile{fs::relative(entry.path(), root).generic_string(), {}};
      auto in = std::ifstream{entry.path()};
      for (auto line = std::string{}; std::getline(in, line);)
        file.lines.push_back(line);
      result.push_back(std::move(file));
    }
  return result;
}

const std::vector<SourceFile>& sources() {
  static const auto result = read_sources(folders);
  return result;
}

bool is_below(const std::string& path, const std::string& folder) {
  return path.compare(0, folder.size() + 1, folder + "/") == 0;
}

std::string layer_of(const std::string& path) {
  for (const auto* special : {"actors/policy", "apps/berth-monitor", "apps/berthd", "apps/berth", "apps/api"})
    if (is_below(path, special))
      return special;
  return path.substr(0, path.find('/'));
}

/// The headers that a file includes: "x.hpp" with quotes or <x> with angles, as written.
std::vector<std::string> includes_of(const SourceFile& file) {
  auto result = std::vector<std::string>{};
  for (const auto& line : file.lines)
    if (line.compare(0, 9, "#include ") == 0)
      result.push_back(line.substr(9, line.find_first_of("\">", 10) - 8));
  return result;
}

/// Files that include a header with this beginning, except where it is allowed.
std::vector<std::string> offenders(const std::string& beginning, const std::function<bool(const std::string&)>& allowed) {
  auto result = std::vector<std::string>{};
  for (const auto& file : sources())
    for (const auto& header : includes_of(file))
      if (header.compare(0, beginning.size(), beginning) == 0 && !allowed(file.path))
        result.push_back(file.path + " includes " + header);
  return result;
}

using None = std::vector<std::string>;

} // namespace

TEST_CASE("there is something to look at", "[architecture]") {
  CHECK(sources().size() > 100);
}

TEST_CASE("includes only point at lower layers", "[architecture]") {
  // A layer may always include itself.
  const auto allowed = std::map<std::string, std::set<std::string>>{
    {"messages", {}},
    {"config", {"messages"}},
    {"runtimes", {"messages", "config"}},
    {"actors/policy", {"messages", "config"}},
    {"actors", {"messages", "config", "runtimes", "actors/policy"}},
    {"apps/api", {"messages", "config", "runtimes", "actors/policy"}},
    {"apps/berthd", {"messages", "config", "runtimes", "actors", "actors/policy", "apps/api"}},
    {"apps/berth", {"messages", "config", "runtimes", "apps/api"}},
    {"apps/berth-monitor", {"messages", "runtimes"}},
  };
  for (const auto& file : sources()) {
    auto layer = layer_of(file.path);
    INFO(file.path << " in layer " << layer);
    REQUIRE(allowed.count(layer) == 1);
    for (const auto& header : includes_of(file)) {
      if (header.front() != '"')
        continue;
      auto target = layer_of(header.substr(1));
      INFO("includes " << header);
      CHECK((target == layer || allowed.at(layer).count(target) == 1));
    }
  }
}

TEST_CASE("a source file includes its own header first, so that the header compiles alone", "[architecture]") {
  auto headers = std::set<std::string>{};
  for (const auto& file : sources())
    headers.insert(file.path);
  auto found = None{};
  auto checked = 0;
  for (const auto& file : sources()) {
    auto own = file.path.substr(0, file.path.rfind('.')) + ".hpp";
    if (own == file.path || headers.count(own) == 0)
      continue;
    ++checked;
    auto includes = includes_of(file);
    if (includes.empty() || includes.front() != '"' + own + '"')
      found.push_back(file.path);
  }
  CHECK(found == None{});
  CHECK(checked > 100);
}

TEST_CASE("actors know each other by their protocols only", "[architecture]") {
  // Who spawns an actor has to know how; nobody else.
  const auto spawners = std::set<std::string>{"actors/pool_actor.cpp", "actors/pool_generations.cpp", "apps/berthd/daemon.cpp"};
  // What tells of actors looks at the states of all kinds.
  const auto* onlooker = "actors/tell_state.cpp";
  // A part of an actor that has a file of its own.
  const auto parts = std::map<std::string, std::string>{{"actors/container_parts.hpp", "\"actors/container_actor.hpp\""},
                                                        {"actors/node_parts.hpp", "\"actors/node_actor.hpp\""},
                                                        {"actors/pool_parts.hpp", "\"actors/pool_actor.hpp\""},
                                                        {"actors/revision_parts.hpp", "\"actors/revision_actor.hpp\""}};
  for (const auto& file : sources())
    for (const auto& header : includes_of(file)) {
      auto own = "\"" + file.path.substr(0, file.path.rfind('.')) + ".hpp\"";
      auto is_actor = header.starts_with("\"actors/") && header.ends_with("_actor.hpp\"");
      auto part = parts.find(file.path);
      auto is_part = part != parts.end() && part->second == header;
      if (!is_actor || header == own || is_part || spawners.count(file.path) == 1 || file.path == onlooker)
        continue;
      FAIL_CHECK(file.path << " includes " << header);
    }
}

TEST_CASE("system calls are made in one folder", "[architecture]") {
  auto kernel = [](const std::string& path) {
    return is_below(path, "runtimes/linux") || is_below(path, "apps/berth-monitor");
  };
  for (const auto* header : {"<sys/", "<linux/", "<unistd.h", "<fcntl.h", "<poll.h", "<spawn.h", "<sched.h"})
    CHECK(offenders(header, kernel) == None{});
}

TEST_CASE("each library is seen where it is meant to be", "[architecture]") {
  CHECK(offenders("<yaml-cpp", [](const std::string& path) { return is_below(path, "config"); }) == None{});
  CHECK(offenders("<spdlog", [](const std::string& path) { return path == "actors/log.cpp"; }) == None{});
  CHECK(offenders("<nlohmann/json.hpp", [](const std::string& path) {
          // Headers of `runtimes` do without, but for the one that is about nothing else.
          return (is_below(path, "runtimes") && path.ends_with(".cpp")) || path == "runtimes/json_fields.hpp" || is_below(path, "apps");
        }) == None{});
  CHECK(offenders("<CLI/", [](const std::string& path) { return is_below(path, "apps"); }) == None{});
  CHECK(offenders("<caf/all.hpp", [](const std::string&) { return false; }) == None{});
  CHECK(offenders("<caf/", [](const std::string& path) {
          return is_below(path, "messages") || is_below(path, "actors") || is_below(path, "apps/berthd")
                 || is_below(path, "apps/api");
        }) == None{});
  CHECK(offenders("<catch2", [](const std::string&) { return false; }) == None{});
}

TEST_CASE("every request has a deadline", "[architecture]") {
  for (const auto& file : sources())
    for (const auto& line : file.lines)
      if (line.find("caf::infinite") != std::string::npos)
        FAIL_CHECK(file.path << ": " << line);
}

TEST_CASE("no test waits for time to pass", "[architecture]") {
  // One place looks again and again for what the kernel does not tell. The programs that tests run may be slow.
  for (const auto& file : read_sources({"tests"}))
    for (const auto& line : file.lines)
      for (const auto* call : {"sleep_" "for(", "sleep_" "until(", "::us" "leep(", "::nano" "sleep("})
        if (line.find(call) != std::string::npos && file.path != "tests/support/eventually.hpp"
            && !is_below(file.path, "tests/fakes"))
          FAIL_CHECK(file.path << ": " << line);
}

TEST_CASE("no command goes through a shell", "[architecture]") {
  for (const auto& file : sources())
    for (const auto& line : file.lines)
      for (const auto* call : {" system(", "::system(", "popen("})
        if (line.find(call) != std::string::npos)
          FAIL_CHECK(file.path << ": " << line);
}

TEST_CASE("no file is larger than a person can hold in mind", "[architecture]") {
  for (const auto& file : sources()) {
    INFO(file.path);
    CHECK(file.lines.size() <= 600);
  }
}

TEST_CASE("the top of the repository holds what was agreed", "[architecture]") {
  const auto agreed = std::set<std::string>{"actors", "messages", "config",   "runtimes",       "apps",
                                            "tests",  "build",    "README.md", "CMakeLists.txt"};
  for (const auto& entry : fs::directory_iterator{BERTH_SOURCE_DIR}) {
    auto name = entry.path().filename().string();
    INFO(name);
    CHECK((name.front() == '.' || agreed.count(name) == 1));
  }
}
