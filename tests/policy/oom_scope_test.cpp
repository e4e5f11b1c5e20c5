#include "actors/policy/oom_scope.hpp"

#include "tests/support/catch.hpp"

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
