#include "config/describe_settings.hpp"
#include "tests/config/load.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

#include <filesystem>
#include <fstream>

using namespace berth;
using berth::test::TempDir;
using namespace std::chrono_literals;

namespace fs = std::filesystem;

namespace {

/// Writes a file below `dir` and returns its path.
std::string write(const TempDir& dir, const std::string& name, const std::string& text) {
  auto path = fs::path{dir / name};
  fs::create_directories(path.parent_path());
  std::ofstream{path, std::ios::binary} << text;
  return path.string();
}

/// The errors of reading a file and its drop-ins, without the name of the directory they are in.
std::string errors_of(const std::string& file, const TempDir& dir) {
  auto loaded = load_config(file);
  if (loaded)
    return "valid";
  auto result = render(loaded.error());
  auto prefix = dir / "";
  for (auto i = result.find(prefix); i != std::string::npos; i = result.find(prefix))
    result.erase(i, prefix.size());
  return result;
}

std::string source_of(const Settings& settings, const std::string& path) {
  for (const auto& row : describe(settings))
    if (row.path == path)
      return row.value + " from " + row.source;
  return "no such value";
}

} // namespace

TEST_CASE("drop-ins are merged key by key and the later file wins", "[config]") {
  auto loaded = load_settings({
      {"berth.yaml", "worker:\n"
                     "  containerRuntime: runc\n"
                     "  pools:\n"
                     "    a:\n"
                     "      runtime: runc\n"
                     "      maxContainers: 5\n"
                     "      queue: {length: 1, timeout: 1s}\n"
                     "      runtimeConfig: {gvisorExtraArgs: [-a, -b]}\n"
                     "    b: {cpu: 1}\n"},
      {"conf.d/10.yaml", "worker:\n"
                         "  pools:\n"
                         "    a:\n"
                         "      runtime: gvisor\n"
                         "      queue: {length: 2}\n"
                         "      runtimeConfig: {gvisorExtraArgs: [-c], gvisorPlatform: kvm}\n"
                         "    c:\n"},
      {"conf.d/20.yaml", "worker:\n"
                         "  pools: {a: {runtimeConfig: {gvisorPlatform: ptrace}}}\n"
                         "berth: {eventHistory: 5}\n"},
  });
  REQUIRE(loaded);
  CHECK(loaded->pools.size() == 3);
  CHECK(source_of(*loaded, "worker.pools.a.runtime") == "gvisor from conf.d/10.yaml:4:16");
  CHECK(source_of(*loaded, "worker.pools.a.maxContainers") == "5 from berth.yaml:6:22");
  CHECK(source_of(*loaded, "worker.pools.a.queue.length") == "2 from conf.d/10.yaml:5:23");
  CHECK(source_of(*loaded, "worker.pools.a.queue.timeout") == "1s from berth.yaml:7:35");
  CHECK(source_of(*loaded, "worker.pools.a.runtimeConfig.gvisorPlatform")
        == "ptrace from conf.d/20.yaml:2:47");
  CHECK(source_of(*loaded, "worker.pools.a.runtimeConfig.gvisorExtraArgs")
        == "[\"-c\"] from conf.d/10.yaml:6:40");
  CHECK(source_of(*loaded, "worker.pools.b.runtime")
        == "runc from worker.containerRuntime, berth.yaml:2:21");
  CHECK(source_of(*loaded, "berth.eventHistory") == "5 from conf.d/20.yaml:3:23");
}

TEST_CASE("a drop-in may use either name of a setting", "[config]") {
  auto loaded =
      load_settings({{"berth.yaml", "worker: {pools: {a: {runtime: runc}}}"},
                     {"conf.d/a.yaml", "worker: {pools: {a: {containerRuntime: gvisor}}}"}});
  REQUIRE(loaded);
  CHECK(loaded->pools.at("a").runtime.value == RuntimeKind::gvisor);
  CHECK(source_of(*loaded, "worker.pools.a.runtime") == "gvisor from conf.d/a.yaml:1:40");
}

TEST_CASE("an empty value in a drop-in takes a value back but leaves maps alone", "[config]") {
  auto loaded =
      load_settings({{"berth.yaml", "worker: {pools: {a: {runtime: gvisor, maxContainers: 5}}}"},
                     {"conf.d/1.yaml", "worker: {pools: {a: }}"},
                     {"conf.d/2.yaml", "worker:\nberth:\n"},
                     {"conf.d/3.yaml", "# nothing\n"},
                     {"conf.d/4.yaml", "worker: {pools: {a: {maxContainers: }}}"}});
  REQUIRE(loaded);
  CHECK(source_of(*loaded, "worker.pools.a.runtime") == "gvisor from berth.yaml:1:31");
  CHECK(source_of(*loaded, "worker.pools.a.maxContainers") == "unlimited from default");
}

TEST_CASE("errors name the file that won", "[config]") {
  auto loaded =
      load_settings({{"berth.yaml", "worker: {pools: {a: {runtime: bad, cpu: bad}}}"},
                     {"conf.d/1.yaml", "worker: {pools: {a: {runtime: worse}, b: {x: 1}}}"}});
  REQUIRE_FALSE(loaded);
  CHECK(render(loaded.error())
        == "berth.yaml:1:41: pools.a.cpu: \"bad\" is not an amount of CPUs (write CPUs such as 2 "
           "or 0.5, or thousandths "
           "such as 500m)\n"
           "conf.d/1.yaml:1:31: pools.a.runtime: unknown runtime \"worse\" (known: runc, gvisor)\n"
           "conf.d/1.yaml:1:43: pools.b: unknown key \"x\"");
}

TEST_CASE("all files that are no YAML are reported, and only those", "[config]") {
  auto loaded = load_settings({{"berth.yaml", "worker: {pools: {a: {runtime: bad}}}"},
                               {"conf.d/1.yaml", "a: b: c"},
                               {"conf.d/2.yaml", "- list"},
                               {"conf.d/3.yaml", "\xff"}});
  REQUIRE_FALSE(loaded);
  CHECK(render(loaded.error())
        == "conf.d/1.yaml:1:5: not valid YAML: illegal map value (a second colon in this line, or "
           "a line above "
           "without a colon and a space)\n"
           "conf.d/2.yaml:1:1: expected a map, found a list\n"
           "conf.d/3.yaml:1:1: byte 0xff is not UTF-8");
}

TEST_CASE("drop-ins are the yaml files in conf.d in the order of their names", "[config]") {
  auto dir = TempDir{};
  auto file = write(dir, "berth.yaml", "worker: {pools: {a: {maxContainers: 1}}}");
  CHECK(load_config(file)->pools.at("a").max_containers.value == 1);
  write(dir, "conf.d/b.yaml", "worker: {pools: {a: {maxContainers: 3}}}");
  write(dir, "conf.d/a.yml", "worker: {pools: {a: {maxContainers: 2}}}");
  write(dir, "conf.d/z.json", "no");
  write(dir, "conf.d/z.yaml~", "no");
  write(dir, "conf.d/.z.yaml", "no");
  write(dir, "conf.d/sub/z.yaml", "no");
  auto loaded = load_config(file);
  REQUIRE(loaded);
  CHECK(loaded->pools.at("a").max_containers.value == 3);
  CHECK(loaded->pools.at("a").max_containers.origin.file == dir / "conf.d/b.yaml");
  write(dir, "conf.d/Z.yaml", "worker: {pools: {a: {maxContainers: 4}}}");
  CHECK(load_config(file)->pools.at("a").max_containers.value == 3);
  write(dir, "conf.d/c.yml", "worker: {pools: {a: {maxContainers: 5}}}");
  CHECK(load_config(file)->pools.at("a").max_containers.value == 5);
}

TEST_CASE("conf.d is looked for beside the file, also in the current directory", "[config]") {
  auto dir = TempDir{};
  write(dir, "berth.yaml", "worker: {pools: {a: {maxContainers: 1}}}");
  write(dir, "conf.d/a.yaml", "worker: {pools: {a: {maxContainers: 2}}}");
  auto before = fs::current_path();
  fs::current_path(dir.path());
  auto loaded = load_config("berth.yaml");
  fs::current_path(before);
  REQUIRE(loaded);
  CHECK(to_string(loaded->pools.at("a").max_containers.origin) == "conf.d/a.yaml:1:37");
}

TEST_CASE("files that cannot be read are all named with the reason", "[config]") {
  auto dir = TempDir{};
  CHECK(errors_of(dir / "berth.yaml", dir) == "berth.yaml: no such file");
  CHECK(errors_of(dir / "no/berth.yaml", dir) == "no/berth.yaml: no such file");
  CHECK(errors_of(dir.path(), dir) == dir.path() + ": is a directory, not a file");
  auto file = write(dir, "berth.yaml", "worker: {pools: {a: }}");
  CHECK(errors_of(file + "/x", dir) == "berth.yaml/x: no such file");
  fs::create_directories(dir / "conf.d/dir.yaml");
  fs::create_symlink("missing", dir / "conf.d/link.yaml");
  fs::create_symlink("loop.yaml", dir / "conf.d/loop.yaml");
  fs::create_symlink("/dev/zero", dir / "conf.d/zero.yaml");
  CHECK(errors_of(file, dir)
        == "conf.d/dir.yaml: is a directory, not a file\n"
           "conf.d/link.yaml: no such file\n"
           "conf.d/loop.yaml: Too many levels of symbolic links\n"
           "conf.d/zero.yaml: is not a regular file");
}

TEST_CASE("conf.d that is no directory is an error", "[config]") {
  auto dir = TempDir{};
  auto file = write(dir, "berth.yaml", "worker: {pools: {a: }}");
  write(dir, "conf.d", "");
  CHECK(errors_of(file, dir) == "conf.d: is not a directory");
}

TEST_CASE("a file has a largest size", "[config]") {
  auto dir = TempDir{};
  auto text = std::string{"worker: {pools: {a: }}\n#"};
  text.resize(1024 * 1024, 'x');
  auto file = write(dir, "berth.yaml", text);
  CHECK(errors_of(file, dir) == "valid");
  write(dir, "berth.yaml", text + 'x');
  CHECK(errors_of(file, dir) == "berth.yaml: larger than 1048576 bytes");
}

TEST_CASE("all files together have a largest size and a largest number, wherever they come from", "[config]") {
  auto texts = std::vector<ConfigText>{{"berth.yaml", "worker: {pools: {a: }}"}};
  auto errors = [&] {
    auto loaded = load_settings(texts);
    return loaded ? "valid" : render(loaded.error());
  };
  SECTION("size") {
    for (auto i = 0; i < 4; ++i)
      texts.push_back({"conf.d/" + std::to_string(i) + ".yaml", std::string(1024 * 1024, '#')});
    texts.back().text.resize(1024 * 1024 - texts.front().text.size());
    CHECK(errors() == "valid");
    texts.back().text += '#';
    CHECK(errors() == "berth.yaml: larger than 4194304 bytes together with its drop-ins");
  }
  SECTION("number") {
    while (texts.size() < 1001)
      texts.push_back({"conf.d/x.yaml", ""});
    CHECK(errors() == "valid");
    texts.push_back({"conf.d/x.yaml", ""});
    CHECK(errors() == "berth.yaml: more than 1001 files together with its drop-ins");
  }
}

TEST_CASE("files that are too large together are not all read", "[config]") {
  auto dir = TempDir{};
  auto file = write(dir, "berth.yaml", "worker: {pools: {a: }}");
  for (auto name : {"a", "b", "c", "d"})
    write(dir, std::string{"conf.d/"} + name + ".yaml", std::string(1024 * 1024, '#'));
  fs::create_directory(dir / "conf.d/e.yaml");
  CHECK(errors_of(file, dir) == "berth.yaml: larger than 4194304 bytes together with its drop-ins");
}
