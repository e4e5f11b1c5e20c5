#include "tests/e2e/nodes.hpp"

#include <filesystem>
#include <fstream>

using namespace berth;
using namespace berth::test;
namespace fs = std::filesystem;

TEST_CASE("a debug bundle has what is known of the node and not one secret of its containers") {
  BERTH_NEEDS_RUNC();
  auto node = TestNode{plain_config()};
  // Each in another place, and none of them a word of Berth's.
  node.start("plain", {"--id", "vault", "--env", "HARMLESS_NAME=hunter2-env", "--label", "db-password=hunter2-label", "--label",
                       "note=url https://user:hunter2-url@host/"},
             {"/bin/sh", "-c", "API_TOKEN=hunter2-script; while :; do sleep 1; done", "--password=hunter2-flag", "--secret", "hunter2-next",
              "Authorization: Bearer hunter2-header"});
  auto dir = TempDir{};
  std::ofstream{dir / "daemon.log"} << node.log();
  auto made = node.berth({"debug", "bundle", "-o", dir / "report", "--config", node.config_path(), "--log", dir / "daemon.log"});
  INFO(describe(made));
  REQUIRE(made.code == 0);
  for (const auto* name : {"MANIFEST", "configuration.json", "doctor.json", "daemon.log", "daemon/version.json", "daemon/health.json", "daemon/pools.json",
                           "daemon/containers.json", "daemon/containers/vault.json", "daemon/events.ndjson", "daemon/history.json",
                           "daemon/reconciliation.json", "host/cgroup-mounts.txt", "runtimes/runc.txt"}) {
    INFO(name);
    CHECK(fs::is_regular_file(dir / "report/" + name));
  }
  for (const auto& entry : fs::recursive_directory_iterator{dir / "report"}) {
    if (!entry.is_regular_file())
      continue;
    INFO(entry.path());
    auto text = text_of(entry.path());
    CHECK_FALSE(contains(text, "hunter2"));
    CHECK((entry.file_size() == 0 || (fs::status(entry.path()).permissions() & fs::perms{0777}) == fs::perms{0600}));
  }
  auto inspected = text_of(dir / "report/daemon/containers/vault.json");
  CHECK(contains(inspected, "HARMLESS_NAME=<redacted>"));
  CHECK(contains(inspected, "db-password"));
  CHECK(contains(text_of(dir / "report/daemon/events.ndjson"), "container.running"));
  CHECK(contains(text_of(dir / "report/configuration.json"), "worker.pools.plain.runtime"));
}
