#include "actors/policy/oom_scope.hpp"

#include "tests/support/catch.hpp"

#include <csignal>

using namespace berth;

TEST_CASE("what an OOM kill ended", "[policy]") {
  struct Row {
    const char* what;
    OomFacts facts;
    OomScope wanted;
  };
  auto row = GENERATE(
    Row{"under gVisor always the container", {.has_host_processes = false, .victim_pid = 7}, OomScope::container},
    Row{"init is the victim", {.init_pid = 7, .victim_pid = 7}, OomScope::container},
    Row{"another process is the victim", {.init_pid = 7, .victim_pid = 8}, OomScope::process},
    Row{"a child's kill, then somebody killed init", {.init_pid = 7, .victim_pid = 8, .init_killed = true},
        OomScope::process},
    Row{"the whole group", {.init_pid = 7, .victim_pid = 8, .group_killed = true}, OomScope::container},
    Row{"no kernel log, init lives", {.init_pid = 7}, OomScope::process},
    Row{"no kernel log, init was killed", {.init_pid = 7, .init_killed = true}, OomScope::container});
  INFO(row.what);
  CHECK(to_string(oom_scope(row.facts)) == std::string{to_string(row.wanted)});
}

TEST_CASE("what counts as an end by SIGKILL", "[policy]") {
  struct Row {
    const char* what;
    int wait_status;
    bool has_host_processes;
    bool wanted;
  };
  auto row = GENERATE(
    Row{"the signal", SIGKILL, true, true},
    Row{"the signal, of a sandbox", SIGKILL, false, true},
    Row{"another signal", SIGTERM, true, false},
    Row{"another signal, of a sandbox", SIGTERM, false, false},
    Row{"a shell's code for a child that was killed", 137 << 8, true, false},
    Row{"a sandbox's code for its first process", 137 << 8, false, true},
    Row{"a sandbox's code for another signal", 143 << 8, false, false},
    Row{"success", 0, false, false});
  INFO(row.what);
  CHECK(ended_by_kill(row.wait_status, row.has_host_processes) == row.wanted);
}
