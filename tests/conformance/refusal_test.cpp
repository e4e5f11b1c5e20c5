#include "tests/conformance/suite.hpp"

#include <filesystem>
#include <fstream>

#include "tests/support/http.hpp"

using namespace berth;
using namespace berth::test;

namespace {

struct Refusal {
  int code;
  std::string error;
};

void check_refused(const Output& done, const Refusal& wanted) {
  INFO(describe(done));
  CHECK(done.code == wanted.code);
  CHECK(done.out == "");
  CHECK(done.err.find(wanted.error) != std::string::npos);
  // One line that a person can act on.
  CHECK(lines_of(done.err).size() == 1);
}

} // namespace

TEST_CASE("a launch that cannot be is refused with its reason", "[refusal]") {
  BERTH_SUITE_NODE(node);
  struct Row {
    std::string pool;
    Argv flags;
    Refusal wanted;
  };
  auto rows = std::vector<Row>{
    {"no-such-pool", {}, {125, "unknown_pool"}},
    {"main", {"--rootfs", "/no/such/directory"}, {125, "rootfs_missing"}},
    {"main", {"--rootfs", "/etc/passwd"}, {125, "rootfs_missing"}},
    {"limited", {"--memory", "1G"}, {125, "limit_exceeded"}},
    {"limited", {"--cpu", "2"}, {125, "limit_exceeded"}},
    {"limited", {"--pids", "1000"}, {125, "limit_exceeded"}},
    {"main", {"--memory", "2M"}, {125, "bad_request"}},
    {"main", {"--hostname", "under_score"}, {125, "bad_request"}},
    {"main", {"--workdir", "not/absolute"}, {125, "bad_request"}},
    {"main", {"--mount", "/tmp:/proc/self"}, {125, "bad_request"}},
    {"main", {"--mount", "/tmp:/a/../b"}, {125, "bad_request"}},
    {"main", {"--mount", "/tmp:/a", "--mount", "/tmp:/a"}, {125, "bad_request"}},
    {"main", {"--sysctl", "kernel.hostname=x"}, {125, "bad_request"}},
    {"main", {"--device", "/etc/passwd"}, {125, "bad_request"}},
  };
  for (auto& row : rows) {
    // The last of two values of one flag would be taken, so the usual root file system must not be there.
    auto has_rootfs = std::find(row.flags.begin(), row.flags.end(), "--rootfs") != row.flags.end();
    auto args = Argv{"run", "--pool", row.pool};
    if (!has_rootfs)
      args.insert(args.end(), {"--rootfs", test_rootfs()});
    args.insert(args.end(), row.flags.begin(), row.flags.end());
    args.insert(args.end(), {"--", "/bin/true"});
    check_refused(node.berth(args), row.wanted);
  }
  CHECK(node.query({"ps", "-a"}).empty());
}

TEST_CASE("a missing source of a mount is named", "[refusal]") {
  BERTH_SUITE_NODE(node);
  auto done = node.run("main", {"--mount", "/no/such/source:/data"}, {"/bin/true"});
  INFO(describe(done));
  CHECK(done.code == 125);
  CHECK(done.err.find("/no/such/source") != std::string::npos);
}

TEST_CASE("a command that does not exist is 127, one that cannot be executed 126", "[refusal]") {
  BERTH_SUITE_NODE(node);
  check_refused(node.run("main", {}, {"/no/such/program"}), {127, "command_not_found"});
  check_refused(node.run("main", {}, {"no-such-program"}), {127, "command_not_found"});
  check_refused(node.run("main", {}, {"/etc/not-a-program"}), {126, "command_not_executable"});
  check_refused(node.run("main", {}, {"/etc"}), {126, "command_not_executable"});
  // A launch that failed leaves its name free and nothing behind.
  check_refused(node.run("main", {"--id", "again"}, {"/no/such/program"}), {127, "command_not_found"});
  CHECK(node.run("main", {"--id", "again"}, {"true"}).code == 0);
}

TEST_CASE("a launch that failed is told as an event", "[refusal]") {
  BERTH_SUITE_NODE(node);
  auto since = node.last_event();
  CHECK(node.run("main", {"--id", "failing"}, {"/no/such/program"}).code == 127);
  auto told = node.events_until("failing", "container.removed", since);
  CHECK(types_of(told) == std::vector<std::string>{"container.accepted", "container.failed", "container.removed"});
  REQUIRE(told.size() == 3);
  CHECK(told[1]["data"]["code"] == "command_not_found");
}

TEST_CASE("an id that could mean something else is refused", "[refusal]") {
  BERTH_SUITE_NODE(node);
  auto ids = std::vector<std::string>{"-x", ".x", "_x", "a/b", "..", "a b", "a\tb", "ü", std::string(65, 'a'), "a\nb", "a*"};
  for (auto& id : ids) {
    INFO(id);
    // The command tells at once, the daemon would as well.
    CHECK(node.berth({"run", "--pool", "main", "--rootfs", test_rootfs(), "--id=" + id, "--", "/bin/true"}).code == 2);
    auto body = Json{{"pool", "main"}, {"rootfs", test_rootfs()}, {"args", {"/bin/true"}}, {"id", id}};
    auto answer = http(node.socket(), "POST", "/v1/containers", body.dump());
    CHECK(answer.status == 400);
    CHECK(Json::parse(answer.body)["error"]["code"] == "bad_id");
  }
  CHECK(node.query({"ps", "-a"}).empty());
  for (auto& id : {std::string{"0"}, std::string(64, 'a'), std::string{"A.b_c-9"}})
    CHECK(node.run("main", {"--rm", "--id", id}, {"/bin/true"}).code == 0);
}

TEST_CASE("what gVisor would silently drop is refused in its pools and works in those of runc", "[refusal]") {
  BERTH_SUITE_NODE(node);
  if (is_beyond_fake("it knows neither devices nor parameters of the kernel"))
    return;
  auto sysctl = node.run("main", {"--rm", "--sysctl", "kernel.shmmni=1234"}, {"/bin/cat", "/proc/sys/kernel/shmmni"});
  auto device = node.run("main", {"--rm", "--device", "/dev/full"}, shell("test -c /dev/full && echo x 2>&1 >/dev/full"));
  if (runtime().is_gvisor()) {
    check_refused(sysctl, {125, "unsupported"});
    check_refused(device, {125, "unsupported"});
    return;
  }
  INFO(describe(sysctl) << describe(device));
  CHECK(sysctl.code == 0);
  CHECK(sysctl.out == "1234\n");
  CHECK(device.out.find("No space left") != std::string::npos);
}
