#include "runtimes/container_record.hpp"

#include "tests/support/catch.hpp"

#include <nlohmann/json.hpp>

using namespace berth;
using Json = nlohmann::json;

namespace {

ContainerInfo full_info() {
  auto info = ContainerInfo{};
  info.spec.pool = {"web"};
  info.spec.id = {"web-1"};
  info.spec.rootfs = "/srv/rootfs";
  info.spec.args = {"/bin/sh", "-c", "echo \"\xe2\x82\xac\"\n", ""};
  info.spec.env = {"A=1", "EMPTY="};
  info.spec.workdir = "/srv";
  info.spec.user = "app";
  info.spec.hostname = "web";
  info.spec.labels = {{"a", "b"}, {"c", ""}};
  info.spec.mounts = {{"/a", "/b", true}, {"/c", "/d", false}};
  info.spec.limits = {64 << 20, 500, UINT64_MAX};
  info.spec.gpus = 2;
  info.spec.checkpoint = true;
  info.spec.auto_remove = true;
  info.spec.sysctls = {{"net.x", "1"}};
  info.spec.devices = {"/dev/fuse"};
  info.runtime_id = "abcdefghijklmnopqrstuvwxyz";
  info.selection.runtime = RuntimeKind::runc;
  info.selection.configured = RuntimeKind::gvisor;
  info.selection.reason = SelectionReason::fallback;
  info.selection.source = RuntimeSource::worker;
  info.selection.origin = "berth.yaml:1:2";
  info.selection.detail = "why";
  info.profile.kind = RuntimeKind::gvisor;
  info.profile.binary = "/usr/bin/runsc";
  info.profile.version = "0.0~20221219.0";
  info.profile.root = "/run/gvisor/web";
  info.profile.platform = "ptrace";
  info.profile.flags = {"--platform=ptrace"};
  info.profile.start_by_fifo = true;
  info.profile.init_takes_signals = false;
  info.profile.has_host_processes = false;
  info.generation = UINT64_MAX;
  info.accepted_at = {1'700'000'000'123'456'789};
  info.directory = "/run/berth/containers/web-1";
  info.log_path = "/var/lib/berth/logs/web-1/container.log";
  info.cgroup = "/berth/web/abc/run";
  info.memory_cgroup = "/sys/fs/cgroup/berth/web/abc";
  info.warnings = {"no GPU device was injected"};
  auto why = Explanation{};
  why.pool = info.spec.pool;
  why.gpus = info.spec.gpus;
  why.checkpoint = info.spec.checkpoint;
  why.asked = {1 << 20, 0, 5};
  why.generation = info.generation;
  why.revision = 9;
  why.rule = SelectionRule::fallback_allowed;
  why.runtime = info.selection.runtime;
  why.configured = info.selection.configured;
  why.reason = info.selection.reason;
  why.winner = info.selection.source;
  why.precedence = {{"worker.pools.web.runtime", "", ""}, {"worker.containerRuntime", "gvisor", "berth.yaml:1:2"}};
  why.alternatives = {{"configured", RuntimeKind::gvisor, Outcome::refused, "it hangs"},
                      {"fallback", RuntimeKind::runc, Outcome::chosen, "onRuntimeUnavailable is fallback (default)"}};
  why.runtimes = {{RuntimeKind::gvisor, true, false, "it hangs", {}, {}, {}, 0},
                  {RuntimeKind::runc, true, true, {}, "1.1.5", "none", "/usr/bin/runc", 120}};
  why.settings = {{"worker.pools.web.oomGroup", "false", "default"}};
  info.why.value = std::make_shared<const Explanation>(std::move(why));
  return info;
}

ContainerMemory full_memory() {
  auto memory = ContainerMemory{};
  memory.info = full_info();
  memory.info.state = ContainerState::stopping;
  memory.info.pid = 4711;
  memory.info.pid_start_time = 815;
  memory.info.created_at = {1'700'000'000'200'000'000};
  memory.info.started_at = {1'700'000'000'300'000'000};
  memory.info.exit = {137, 9, true, {1'700'000'001'000'000'000}, "killed"};
  memory.info.oom_kills = 3;
  memory.ticket = 12;
  memory.phase = Phase::stopping;
  memory.grace = std::chrono::milliseconds{1500};
  memory.kill_due = caf::actor_clock::time_point{std::chrono::seconds{77}};
  memory.failure = Error{ec::runtime_failed, "a", "b", "c"};
  for (auto flag : {&memory.oom_group, &memory.accepted_told, &memory.start_asked, &memory.running_told, &memory.stop_asked,
                    &memory.remove_asked, &memory.kill_sent, &memory.group_killed, &memory.oom_took_it, &memory.deleted,
                    &memory.rebooted})
    *flag = true;
  memory.output_released = false;
  return memory;
}

const auto boot_id = std::string{"6f1c8e55-5c7b-4b0f-9d5b-1a2b3c4d5e6f"};

} // namespace

TEST_CASE("a record gives back all that was known of a container") {
  auto memory = full_memory();
  auto record = parse_record(render_record(memory, boot_id));
  REQUIRE(record);
  CHECK(record->boot_id == boot_id);
  const auto& info = memory.info;
  const auto& back = record->memory.info;
  CHECK((back.spec == info.spec));
  CHECK((back.profile == info.profile));
  CHECK((back.selection == info.selection));
  CHECK(back.exit.reason == info.exit.reason);
  REQUIRE(back.why.value);
  CHECK((*back.why.value == *info.why.value));
  CHECK(record->memory.grace == memory.grace);
  CHECK((record->memory.kill_due == memory.kill_due));
  CHECK((record->memory.failure == memory.failure));
  // Everything that a record holds, the rest included.
  CHECK(render_record(record->memory, boot_id) == render_record(memory, boot_id));
  CHECK(render_record(record->memory, boot_id) != render_record({}, boot_id));
}

TEST_CASE("a record of version 1 is read, with the beginnings of a life in it") {
  auto json = Json::parse(render_record(full_memory(), boot_id));
  json["version"] = 1;
  json.erase("life");
  for (auto key : {"state", "pid", "pidStartTime", "createdAt", "startedAt", "exit", "oomKills", "traceId"})
    json["container"].erase(key);
  auto record = parse_record(json.dump());
  REQUIRE(record);
  CHECK((record->memory.info.spec == full_info().spec));
  CHECK(record->memory.info.pid == 0);
  CHECK(record->memory.phase == Phase::accepted);
}

TEST_CASE("a record of before there were explanations has none, and is whole without it") {
  auto json = Json::parse(render_record(full_memory(), boot_id));
  json["container"].erase("why");
  auto record = parse_record(json.dump());
  REQUIRE(record);
  CHECK(record->memory.info.why.value == nullptr);
  CHECK(record->memory.phase == Phase::stopping);
}

TEST_CASE("a record of an empty container is one, too") {
  auto record = parse_record(render_record({}, {}));
  REQUIRE(record);
  CHECK((record->memory.info.spec == LaunchSpec{}));
}

TEST_CASE("fields that a newer release adds are passed over") {
  auto json = Json::parse(render_record(full_memory(), boot_id));
  json["new"] = 1;
  json["container"]["spec"]["new"] = {{"a", 1}};
  CHECK(parse_record(json.dump()));
}

TEST_CASE("a damaged record is refused with the place of the damage") {
  struct Row {
    const char* pointer;
    Json value;
    const char* reason;
  };
  auto row = GENERATE(values<Row>({
    {"/version", 3, "version 3 is not known"},
    {"/version", "1", "it has no version"},
    {"/version", -1, "it has no version"},
    {"/bootId", 5, "bootId: not a text"},
    {"/container", "x", "container: not an object"},
    {"/container/spec", Json::array(), "container.spec: not an object"},
    {"/container/spec/args", "x", "container.spec.args: not a list"},
    {"/container/spec/args/1", 7, "container.spec.args: not a text"},
    {"/container/spec/labels", Json::array(), "container.spec.labels: not an object"},
    {"/container/spec/labels/a", 1, "container.spec.labels: not a text"},
    {"/container/spec/mounts/0/readOnly", "yes",
     "container.spec.mounts.readOnly: neither true nor false"},
    {"/container/spec/limits/pids", -1, "container.spec.limits.pids: not a count"},
    {"/container/spec/limits/pids", 1.5, "container.spec.limits.pids: not a count"},
    {"/container/spec/gpus", 4294967296, "container.spec.gpus: not a count"},
    {"/container/selection/reason", "mood",
     "container.selection.reason: not a value that is known"},
    {"/container/profile/kind", 1, "container.profile.kind: not a value that is known"},
    {"/container/acceptedAt", "yesterday", "container.acceptedAt: not a time"},
    {"/container/pid", 2147483648, "container.pid: not a whole number that fits"},
    {"/container/why", 7, "container.why: not an object"},
    {"/container/why/rule", "whim", "container.why.rule: not a value that is known"},
    {"/container/why/runtimes/0/usable", "no", "container.why.runtimes.usable: neither true nor false"},
    {"/life/phase", "dancing", "life.phase: not a value that is known"},
    {"/life/killDue", "soon", "life.killDue: not a whole number that fits"},
    {"/life/failure/code", "bad", "life.failure.code: not a value that is known"},
  }));
  CAPTURE(row.pointer);
  auto json = Json::parse(render_record(full_memory(), boot_id));
  json[Json::json_pointer{row.pointer}] = row.value;
  auto record = parse_record(json.dump());
  REQUIRE_FALSE(record);
  CHECK(record.error().code == ec::bad_request);
  CHECK(record.error().reason.find(row.reason) == 0);
}

TEST_CASE("a record that lacks any field that was always there is refused") {
  auto json = Json::parse(render_record(full_memory(), boot_id));
  json.erase("life");
  for (auto key : {"state", "pid", "pidStartTime", "createdAt", "startedAt", "exit", "oomKills", "traceId"})
    json["container"].erase(key);
  json = json.flatten();
  for (auto& [pointer, value] : json.items()) {
    // Lists and maps may be shorter.
    auto last = pointer.substr(pointer.rfind('/') + 1);
    auto parent = pointer.substr(0, pointer.rfind('/'));
    auto list = parent.substr(parent.rfind('/') + 1);
    if (std::isdigit(static_cast<unsigned char>(last[0])) || list == "labels" || list == "sysctls")
      continue;
    CAPTURE(pointer);
    auto damaged = Json::parse(render_record(full_memory(), boot_id));
    damaged[Json::json_pointer{parent}].erase(last);
    CHECK_FALSE(parse_record(damaged.dump()));
  }
}

TEST_CASE("text that is no record, or only a part of one, is refused") {
  auto text = render_record(full_memory(), boot_id);
  // Without its last line break and bracket it is no JSON any more.
  for (size_t n = 0; n + 2 < text.size(); n += 7)
    CHECK_FALSE(parse_record(text.substr(0, n)));
  for (auto wrong : {"", "null", "[]", "{}", "1", "\xff", "{\"version\":1}"})
    CHECK_FALSE(parse_record(wrong));
}
