#include "apps/api/wire.hpp"
#include "apps/berth/command_line.hpp"
#include "apps/berth/ledger_text.hpp"

#include "tests/support/catch.hpp"

using namespace berth;
using namespace berth::cli;

namespace {

Ledger ledger() {
  auto result = Ledger{};
  result.at = {1'700'000'000'000'000'000};
  result.took = std::chrono::microseconds{1500};
  result.notes = {"the journal was damaged"};
  result.entries = {{LedgerKind::container, "a", Verdict::adopted, {"a"}, "it goes on", {}},
                    {LedgerKind::container, "b", Verdict::finished, {"b"}, "it ended while no berthd ran", {}},
                    {LedgerKind::log, "/logs/a", Verdict::adopted, {"a"}, "it goes on", {}},
                    {LedgerKind::cgroup, "/cg/x", Verdict::orphan, {}, "of no container", {}},
                    {LedgerKind::directory, "/d/y", Verdict::foreign, {}, "not a container's directory", {}}};
  return result;
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

} // namespace

TEST_CASE("the ledger shows containers and what belongs to none, and counts the rest", "[cli][ledger]") {
  auto shown = describe_ledger(to_wire(ledger()), false);
  REQUIRE(shown);
  CHECK(shown->text
        == "KIND       NAME   VERDICT   CONTAINER  DETAIL\n"
           "container  a      adopted   a          it goes on\n"
           "container  b      finished  b          it ended while no berthd ran\n"
           "cgroup     /cg/x  orphan    -          of no container\n"
           "directory  /d/y   foreign   -          not a container's directory\n"
           "\n"
           "note: the journal was damaged\n"
           "containers: 1 adopted, 1 finished\n"
           "things:     2 adopted, 1 finished, 1 orphans, 1 foreign\n"
           "at:         2023-11-14T22:13:20.000000000Z, took 1.5 ms\n");
  CHECK_FALSE(shown->has_problems);
}

TEST_CASE("an orphan that could not be removed is a problem, and says why", "[cli][ledger]") {
  auto changed = ledger();
  changed.entries[3].problem = "system_error: rmdir: Device or resource busy";
  auto shown = describe_ledger(to_wire(changed), false);
  REQUIRE(shown);
  CHECK(shown->has_problems);
  CHECK(has(shown->text, "could not be removed: system_error: rmdir: Device or resource busy"));
}

TEST_CASE("an answer that is no ledger is told as such, whatever it is", "[cli][ledger]") {
  for (auto text : {"", "null", "[]", "{\"entries\": 5}", "{\"entries\": [1, null, {}], \"containers\": \"x\"}"}) {
    CAPTURE(text);
    auto shown = describe_ledger(text, false);
    CHECK((shown || shown.error().code == "bad_answer"));
  }
  CHECK(describe_drain("x").error().code == "bad_answer");
  CHECK(*describe_drain(to_wire(DrainReport{3, 2})) == "the node is drained: 3 containers ended, 2 of them were stopped\n");
}

TEST_CASE("doctor examines or shows the ledger, and a drain that is taken back has no deadline", "[cli]") {
  auto parse = [](const std::vector<std::string>& args) {
    return parse_command_line(args, {[](const std::string&) { return std::optional<std::string>{}; }, "/"});
  };
  CHECK(std::get<DoctorOptions>(parse({"doctor", "--reconcile"})->verb).reconcile);
  auto examines = std::get<DoctorOptions>(parse({"doctor", "--check", "cgroup", "--check", "disk.space", "--timeout", "3s"})->verb);
  CHECK_FALSE(examines.reconcile);
  CHECK(examines.checks == std::vector<std::string>{"cgroup", "disk.space"});
  CHECK(examines.timeout_ms == 3000u);
  CHECK(parse({"drain"}));
  CHECK(std::get<DrainOptions>(parse({"drain", "--deadline", "1m30s"})->verb).deadline == "90.000000");
  for (const auto& wrong : std::vector<std::vector<std::string>>{
         {"doctor", "--reconcile", "--check", "cgroup"}, {"doctor", "--check", "nonsense"}, {"doctor", "--timeout", "soon"},
         {"drain", "--deadline", "soon"}, {"drain", "--cancel", "--deadline", "1m"}, {"drain", "a"}}) {
    auto refused = parse(wrong);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().exit_code == 2);
  }
}
