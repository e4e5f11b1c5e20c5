#include "actors/policy/explain_exit.hpp"

#include "tests/support/catch.hpp"

using namespace berth;

TEST_CASE("an exit is explained", "[policy]") {
  struct Row {
    ExitFacts facts;
    int code;
    int signal;
    const char* reason;
  };
  constexpr auto mib = uint64_t{1024 * 1024};
  auto row = GENERATE(
    Row{{.wait_status = 0}, 0, 0, "exited with code 0"}, Row{{.wait_status = 42 << 8}, 42, 0, "exited with code 42"},
    Row{{.wait_status = 9}, 137, 9, "ended by SIGKILL"}, Row{{.wait_status = 15}, 143, 15, "ended by SIGTERM"},
    Row{{.wait_status = 139}, 139, 11, "ended by SIGSEGV"}, // with the core dump bit
    Row{{.wait_status = 35}, 163, 35, "ended by signal 35"},
    Row{{.wait_status = 9, .oom_killed = true, .memory_limit = 64 * mib}, 137, 9,
        "killed at its memory limit of 64.0 MiB"},
    Row{{.wait_status = 9, .oom_killed = true}, 137, 9, "killed because the host ran out of memory"},
    Row{{.wait_status = 9, .oom_killed = true, .memory_limit = 96 * mib, .asked_limit = 64 * mib}, 137, 9,
        "killed at its memory limit of 64.0 MiB (96.0 MiB with the sandbox)"},
    Row{{.wait_status = 9, .oom_killed = true, .memory_limit = mib, .stop_asked = true}, 137, 9,
        "killed at its memory limit of 1.0 MiB"},
    Row{{.wait_status = 143 << 8, .stop_asked = true}, 143, 0, "stopped: exited with code 143"},
    Row{{.wait_status = 9, .monitor_lost = true}, 137, 9,
        "its monitor died, and the container was ended; the real exit status is unknown"});
  CAPTURE(row.facts.wait_status);
  auto exit = explain_exit(row.facts);
  CHECK(exit.code == row.code);
  CHECK(exit.signal == row.signal);
  CHECK(exit.reason == row.reason);
  CHECK(exit.oom_killed == row.facts.oom_killed);
}
