#include "runtimes/linux/process_state.hpp"

#include "tests/support/catch.hpp"

using namespace berth;

TEST_CASE("whether a process goes on is told by its status", "[runtimes]") {
  struct Row {
    const char* what;
    const char* status;
    Vitality wanted;
  };
  auto row = GENERATE(
    Row{"SIGKILL for the thread", "State:\tR\nVmSize:\t 5 kB\nSigPnd:\t0000000000000100\nShdPnd:\t0000000000000000\n",
        Vitality::killed},
    Row{"SIGKILL for the process", "State:\tS\nVmSize:\t 5 kB\nSigPnd:\t0000000000000000\nShdPnd:\t0000000000000100\n",
        Vitality::killed},
    Row{"SIGTERM", "State:\tS\nVmSize:\t 5 kB\nSigPnd:\t0000000000004000\nShdPnd:\t0000000000000000\n",
        Vitality::alive},
    Row{"no memory any more", "State:\tR\nSigPnd:\t0000000000000000\n", Vitality::ending},
    Row{"a zombie", "Name:\tx\nState:\tZ (zombie)\n", Vitality::ending},
    Row{"no such process", "", Vitality::ending});
  INFO(row.what);
  CHECK(parse_vitality(row.status) == row.wanted);
}
