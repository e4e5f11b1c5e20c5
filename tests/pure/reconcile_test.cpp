#include "runtimes/reconcile.hpp"
#include "runtimes/monitor_protocol.hpp"

#include "tests/support/catch.hpp"

#include <algorithm>

using namespace berth;

namespace {

const auto runtime_id = std::string{"abcdefghijklmnopqrstuvwxyz"};
const auto other_id = std::string{"zbcdefghijklmnopqrstuvwxyz"};

/// A container "a" in the middle of its life.
ContainerRecord record_of(Phase phase = Phase::running, const std::string& boot = "now") {
  auto record = ContainerRecord{};
  record.boot_id = boot;
  auto& memory = record.memory;
  memory.phase = phase;
  memory.info.spec.id = {"a"};
  memory.info.spec.pool = {"web"};
  memory.info.runtime_id = runtime_id;
  memory.accepted_told = true;
  memory.start_asked = phase >= Phase::starting && phase != Phase::failed;
  memory.running_told = phase >= Phase::running && phase != Phase::failed;
  memory.output_released = false;
  return record;
}

FoundDirectory directory_of(const ContainerRecord& record, std::vector<MonitorMessage> story = {}, int monitor = 0) {
  auto found = FoundDirectory{};
  found.name = record.memory.info.spec.id.value;
  found.path = "/run/containers/" + found.name;
  found.is_directory = found.has_record = true;
  found.record = record;
  for (const auto& message : story)
    found.story.push_back(encode(message));
  found.monitor = monitor;
  return found;
}

const auto created = MonitorMessage{MonitorCreated{1, 2}};
const auto started = MonitorMessage{MonitorStarted{}};
const auto exited = MonitorMessage{MonitorExited{}};
const auto deleted = MonitorMessage{MonitorDeleted{}};
const auto failed = MonitorMessage{MonitorFailed{}};

/// The verdict of the only thing of a kind.
const LedgerEntry& entry_of(const Reconciliation& result, LedgerKind kind) {
  auto found = std::find_if(result.ledger.entries.begin(), result.ledger.entries.end(),
                            [&](const auto& x) { return x.kind == kind; });
  REQUIRE(found != result.ledger.entries.end());
  return *found;
}

} // namespace

TEST_CASE("a container goes on, has finished, or is given up, as its row, its monitor and its boot say", "[reconcile]") {
  struct Row {
    const char* what;
    Phase phase;
    bool same_boot;
    bool has_directory;
    int monitor;
    std::vector<MonitorMessage> story;
    Verdict verdict;
    bool given_up;
    const char* detail;
  };
  auto row = GENERATE(
    Row{"running", Phase::running, true, true, 7, {created, started}, Verdict::adopted, false, "it goes on"},
    Row{"being stopped", Phase::stopping, true, true, 7, {created, started}, Verdict::adopted, false, "it goes on"},
    Row{"told to start, not known whether it did", Phase::starting, true, true, 7, {created}, Verdict::adopted, false,
        "it goes on"},
    Row{"started before that was recorded", Phase::created, true, true, 7, {created, started}, Verdict::adopted, false,
        "it goes on"},
    Row{"exited, its monitor cleans up", Phase::running, true, true, 7, {created, started, exited}, Verdict::finished, false,
        "it ended while no berthd ran"},
    Row{"ended meanwhile", Phase::running, true, true, 0, {created, started, exited, deleted}, Verdict::finished, false,
        "it ended while no berthd ran"},
    Row{"monitor killed", Phase::running, true, true, 0, {created, started}, Verdict::finished, false,
        "its monitor died while no berthd ran: what was left of it is ended"},
    Row{"not told to start", Phase::created, true, true, 7, {created}, Verdict::finished, true,
        "its launch was given up: it had not been told to start"},
    Row{"only accepted", Phase::accepted, true, false, 0, {}, Verdict::finished, true,
        "its launch was given up: it had not been told to start"},
    Row{"launch failed meanwhile", Phase::creating, true, true, 0, {failed}, Verdict::finished, false,
        "its launch failed while no berthd ran"},
    Row{"exited before", Phase::exited, true, true, 0, {created, started, exited, deleted}, Verdict::adopted, false,
        "it had ended before"},
    Row{"exited before, directory gone with a reboot", Phase::exited, false, false, 0, {}, Verdict::adopted, false,
        "it had ended before"},
    Row{"running at a reboot", Phase::running, false, false, 0, {}, Verdict::finished, false,
        "the host was started anew while it ran"},
    Row{"running at a reboot, another process has its socket", Phase::running, false, true, 7, {created, started},
        Verdict::finished, false, "the host was started anew while it ran"},
    Row{"ended before a reboot", Phase::running, false, true, 0, {created, started, exited, deleted}, Verdict::finished, false,
        "it ended while no berthd ran"},
    Row{"creating at a reboot", Phase::creating, false, false, 0, {}, Verdict::finished, true,
        "its launch was given up: it had not been told to start"});
  CAPTURE(row.what);
  auto record = record_of(row.phase, row.same_boot ? "now" : "before");
  auto survey = Survey{};
  if (row.has_directory)
    survey.directories.push_back(directory_of(record, row.story, row.monitor));
  auto result = reconcile({record}, survey, "now");
  REQUIRE(result.containers.size() == 1);
  const auto& memory = result.containers[0];
  CHECK(memory.adopted);
  CHECK(memory.output_released);
  CHECK(memory.rebooted == !row.same_boot);
  CHECK((memory.failure && memory.failure->code == ec::interrupted) == row.given_up);
  for (auto kind : {LedgerKind::container, LedgerKind::journal_row}) {
    const auto& entry = entry_of(result, kind);
    CHECK(entry.verdict == row.verdict);
    CHECK(entry.detail == row.detail);
    CHECK(entry.container.value == "a");
  }
  CHECK(result.foreign.empty());
}

TEST_CASE("what a container has is matched with it, and what nobody has is an orphan", "[reconcile]") {
  auto record = record_of();
  auto survey = Survey{};
  survey.directories.push_back(directory_of(record, {created, started}, 7));
  survey.monitors = {{7, 1, "/run/containers/a", false}, {8, 1, "/run/containers/a", true}, {9, 1, "/run/containers/gone", false}};
  survey.logs = {{"a", "/logs/a"}, {"old", "/logs/old"}};
  survey.layers = {{"a", "/layers/a"}, {".probe-x", "/layers/.probe-x"}};
  survey.groups = {{"web", runtime_id, "/cg/web/1"}, {"web", other_id, "/cg/web/2"}, {"web", "alien", "/cg/web/3"}};
  survey.records = {{runtime_id, "/runc/1", runtime_id}, {other_id, "/runc/2", other_id}, {"x", "/runc/x", ""}};
  survey.mounts = {{"a/bundle/rootfs", "/run/containers/a/bundle/rootfs"}, {"old/x", "/run/containers/old/x"}};
  survey.network_namespaces = {{"berth-x", "/run/netns/berth-x"}};
  auto result = reconcile({record}, survey, "now");
  auto verdicts = std::map<std::string, Verdict>{};
  for (const auto& entry : result.ledger.entries)
    verdicts[std::string{to_string(entry.kind)} + " " + entry.name] = entry.verdict;
  using V = Verdict;
  CHECK(verdicts
        == std::map<std::string, Verdict>{{"container a", V::adopted},
                                          {"journal-row a", V::adopted},
                                          {"directory /run/containers/a", V::adopted},
                                          {"monitor 7", V::adopted},
                                          {"monitor 8", V::orphan},
                                          {"monitor 9", V::orphan},
                                          {"log /logs/a", V::adopted},
                                          {"log /logs/old", V::orphan},
                                          {"layer /layers/a", V::adopted},
                                          {"layer /layers/.probe-x", V::orphan},
                                          {"cgroup /cg/web/1", V::adopted},
                                          {"cgroup /cg/web/2", V::orphan},
                                          {"cgroup /cg/web/3", V::foreign},
                                          {"runtime-record /runc/1", V::adopted},
                                          {"runtime-record /runc/2", V::orphan},
                                          {"runtime-record /runc/x", V::foreign},
                                          {"mount /run/containers/a/bundle/rootfs", V::adopted},
                                          {"mount /run/containers/old/x", V::orphan},
                                          {"network-namespace /run/netns/berth-x", V::foreign}});
  // Processes go before what they hold, and directories last.
  auto kinds = std::vector<LedgerKind>{};
  for (const auto& entry : result.ledger.entries)
    if (entry.verdict == Verdict::orphan)
      kinds.push_back(entry.kind);
  CHECK(kinds.front() == LedgerKind::monitor);
  CHECK(kinds.back() == LedgerKind::log);
}

TEST_CASE("without the journal a container is known by the record in its directory", "[reconcile]") {
  auto record = record_of(Phase::creating);
  auto survey = Survey{};
  survey.directories.push_back(directory_of(record, {created, started}, 7));
  auto result = reconcile({}, survey, "now");
  REQUIRE(result.containers.size() == 1);
  CHECK(result.containers[0].start_asked);
  CHECK_FALSE(result.containers[0].failure);
  CHECK(entry_of(result, LedgerKind::container).verdict == Verdict::adopted);
  REQUIRE(result.ledger.notes.size() == 1);
  CHECK(result.ledger.notes[0].find("is not in the journal") != std::string::npos);
}

TEST_CASE("a name proves nothing: a directory of another runtime id is not that of the row", "[reconcile]") {
  auto row = record_of();
  auto record = record_of(Phase::creating);
  record.memory.info.runtime_id = other_id;
  auto survey = Survey{};
  survey.directories.push_back(directory_of(record, {created, started}, 7));
  survey.groups = {{"web", runtime_id, "/cg/1"}, {"web", other_id, "/cg/2"}};
  auto result = reconcile({row}, survey, "now");
  REQUIRE(result.containers.size() == 1);
  CHECK(result.containers[0].info.runtime_id == other_id);
  for (const auto& entry : result.ledger.entries)
    if (entry.kind == LedgerKind::cgroup)
      CHECK(entry.verdict == (entry.name == "/cg/2" ? Verdict::adopted : Verdict::orphan));
}

TEST_CASE("what is not understood is left alone, with all that may belong to it", "[reconcile]") {
  auto riddle = directory_of(record_of());
  riddle.record.reset();
  riddle.fault = "version 99 is not known";
  auto stranger = FoundDirectory{"a file", "/run/containers/a file", false, false, {}, {}, {}, 0};
  auto moved = directory_of(record_of());
  moved.name = "b";
  moved.path = "/run/containers/b";
  auto survey = Survey{};
  survey.directories = {riddle, stranger, moved};
  survey.monitors = {{7, 1, "/run/containers/a", false}};
  survey.logs = {{"a", "/logs/a"}};
  survey.groups = {{"web", runtime_id, "/cg/1"}};
  survey.records = {{runtime_id, "/runc/1", runtime_id}};
  auto result = reconcile({}, survey, "now");
  CHECK(result.containers.empty());
  CHECK(result.foreign == std::set<ContainerId>{{"a"}, {"a file"}, {"b"}});
  for (const auto& entry : result.ledger.entries) {
    CAPTURE(entry.name);
    CHECK(entry.verdict == Verdict::foreign);
  }
  CHECK(result.ledger.entries.size() == 7);
}

TEST_CASE("a directory with the record of another container is that of its row, if there is one", "[reconcile]") {
  auto row = record_of();
  row.memory.info.spec.id = {"b"};
  auto moved = directory_of(record_of(), {created, started}, 7);
  moved.name = "b";
  moved.path = "/run/containers/b";
  auto survey = Survey{};
  survey.directories = {moved};
  auto result = reconcile({row}, survey, "now");
  CHECK(result.foreign.empty());
  REQUIRE(result.containers.size() == 1);
  CHECK(result.containers[0].info.spec.id.value == "b");
  // Left alone by its name and removed with its row: it could not be both.
  CHECK(count(result.ledger, Verdict::foreign) == 0);
}

TEST_CASE("what a launch or a probe left at its very beginning is an orphan", "[reconcile]") {
  auto empty = FoundDirectory{"fresh", "/run/containers/fresh", true, false, {}, {}, {}, 0};
  auto probe = directory_of(record_of());
  probe.name = ".probe-1";
  probe.path = "/run/containers/.probe-1";
  auto survey = Survey{};
  survey.directories = {empty, probe};
  auto result = reconcile({}, survey, "now");
  CHECK(result.containers.empty());
  CHECK(count(result.ledger, LedgerKind::directory, Verdict::orphan) == 2);
  // With a row it is that container's.
  auto row = record_of(Phase::creating);
  row.memory.info.spec.id = {"fresh"};
  CHECK(count(reconcile({row}, survey, "now").ledger, LedgerKind::directory, Verdict::finished) == 1);
}
