#include "tests/e2e/nodes.hpp"

#include <filesystem>
#include <fstream>

using namespace berth;
using namespace berth::test;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

constexpr auto wrong_configuration = 78;

struct Attempt {
  Output done;
  std::string file;
};

/// Starts a daemon that is expected not to come up.
Attempt start_with(const TempDir& dir, const std::string& text) {
  auto file = dir / "berth.yaml";
  std::ofstream{file, std::ios::binary} << text;
  return {run_program({built_program("berthd"), "--config", file, "--root", dir / "root"}, 20s), file};
}

std::string repeated(const std::string& text, int times) {
  auto result = std::string{};
  for (auto i = 0; i < times; ++i)
    result += text;
  return result;
}

} // namespace

TEST_CASE("a daemon with a wrong configuration ends at once and tells all errors with their places", "[hostile]") {
  auto dir = TempDir{};
  auto [done, file] = start_with(dir, "worker:\n"
                                      "  pools:\n"
                                      "    sandbox:\n"
                                      "      runtme: gvisor\n"
                                      "      maxContainers: many\n"
                                      "    web:\n"
                                      "      runtime: docker\n"
                                      "      overrides: maybe\n"
                                      "    web:\n"
                                      "      pids: 5\n"
                                      "berth:\n"
                                      "  logs: {maxSize: -1}\n");
  INFO(describe(done));
  CHECK(done.code == wrong_configuration);
  for (auto part : {":4:7: pools.sandbox: unknown key \"runtme\" (did you mean \"runtime\"?)", ":5:22:", ":7:16:", ":8:18:",
                    ":9:5:", ":12:"}) {
    INFO(part);
    CHECK(contains(done.err, file + part));
  }
  CHECK_FALSE(fs::exists(dir / "root/berth.sock"));
  // `validate` says the same.
  auto validated = run_program({built_program("berth"), "validate", file});
  CHECK(validated.code == 1);
  CHECK(contains(validated.err, file + ":4:7:"));
}

TEST_CASE("no file can crash or hang the daemon", "[hostile]") {
  auto dir = TempDir{};
  auto bomb = std::string{"a: &a [x,x,x,x,x,x,x,x,x]\n"};
  for (auto c = 'b'; c <= 'k'; ++c) {
    auto before = std::string{"*"} + static_cast<char>(c - 1);
    bomb += std::string{c} + ": &" + c + " [" + before + repeated("," + before, 8) + "]\n";
  }
  auto zero = std::string{"worker:\n  pools:\n    a"} + '\0' + "b: {}\n";
  auto rows = std::vector<std::string>{
    "",
    "\n\n# only a comment\n",
    "worker:\n",
    "worker: {pools: {}}\n",
    "worker: 5\n",
    "- a\n- list\n",
    "worker:\n\tpools: {}\n",
    "worker: {pools: {web: {}}\n",
    "worker: \"unterminated\n",
    "%YAML 9.9\n---\nworker: {}\n",
    "worker: {pools: {web: {}}}\n---\nworker: {pools: {web: {}}}\n",
    bomb + "worker: {pools: {web: *k}}\n",
    "worker: {pools: {web: {queue: " + repeated("[", 5000) + repeated("]", 5000) + "}}}\n",
    repeated("{a: ", 20'000),
    "worker: {pools: {" + std::string(200'000, 'x') + ": {}}}\n",
    "worker: {pools: {\"../../etc\": {}}}\n",
    "worker: {pools: {web: {memory: 99999999999999999999999}}}\n",
    "worker: {pools: {web: {cpu: .nan}}}\n",
    "worker: {pools: {web: {maxContainers: -1}}}\n",
    "worker: {pools: {web: {runtimeConfig: {gvisorExtraArgs: {a: b}}}}}\n",
    "worker: {pools: {web: {runtimeConfig: {gvisorRoot: relative}}}}\n",
    "worker: {pools: &loop {web: *loop}}\n",
    "worker: {? [a, b] : c}\n",
    zero,
    std::string(1'000'000, '\0'),
    "\xff\xfe\x00w",
    "worker: {pools: {\xc3\x28: {}}}\n",
    repeated("key: value\n", 100'000),
  };
  for (auto& row : rows) {
    INFO(row.substr(0, 80));
    auto done = start_with(dir, row).done;
    INFO(describe(done));
    CHECK(done.code == wrong_configuration);
    CHECK_FALSE(lines_of(done.err).empty());
    CHECK(done.err.size() < 100'000);
  }
}

TEST_CASE("a file that cannot be read is an error of its own", "[hostile]") {
  auto dir = TempDir{};
  fs::create_directory(dir / "directory");
  auto rows = std::vector<std::string>{dir / "missing.yaml", dir / "directory", "/dev/zero", "/proc/self/mem"};
  for (auto& path : rows) {
    INFO(path);
    auto done = run_program({built_program("berthd"), "--config", path, "--root", dir / "root"}, 20s);
    INFO(describe(done));
    CHECK(done.code == wrong_configuration);
    CHECK(contains(done.err, path));
  }
}

TEST_CASE("a command line that makes no sense is told so", "[hostile]") {
  for (auto& args : {Argv{"--no-such-flag"}, Argv{"--config"}, Argv{"extra"}, Argv{"--log-level", "loud"}}) {
    auto argv = Argv{built_program("berthd")};
    argv.insert(argv.end(), args.begin(), args.end());
    auto done = run_program(argv, 10s);
    INFO(describe(done));
    CHECK(done.code == 2);
    CHECK_FALSE(done.err.empty());
  }
  CHECK(run_program({built_program("berthd"), "--version"}).code == 0);
  CHECK(run_program({built_program("berthd"), "--help"}).code == 0);
}
