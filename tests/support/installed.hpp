#pragma once

#include <string>

namespace berth::test {

/// The runtimes of this machine: BERTH_TEST_RUNC and BERTH_TEST_RUNSC, else those of the distribution. Empty if missing.
const std::string& installed_runc();
const std::string& installed_runsc();

/// The gVisor platform that works anywhere with this release: ptrace for those before systrap was the default.
std::string usual_platform(const std::string& runsc);

/// "20s", stretched on a slow machine.
std::string stretched_seconds(int seconds);

} // namespace berth::test
