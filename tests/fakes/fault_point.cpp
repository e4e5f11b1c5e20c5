#include "runtimes/fault_point.hpp"

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <string>

#include <fcntl.h>
#include <unistd.h>

namespace berth {

namespace {

/// BERTH_FAULT: "record:FILE" appends the name of every point that is passed to FILE; "NAME:N" kills the process when it passes
/// the point of that name for the Nth time.
struct Plan {
  Plan() {
    const auto* text = std::getenv("BERTH_FAULT");
    if (text == nullptr)
      return;
    auto plan = std::string{text};
    auto colon = plan.rfind(':');
    if (plan.starts_with("record:")) {
      record = ::open(plan.c_str() + std::strlen("record:"), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    } else if (colon != std::string::npos) {
      name = plan.substr(0, colon);
      left = std::atoi(plan.c_str() + colon + 1);
    }
  }

  int record = -1;
  std::string name;
  std::atomic<int> left = 0;
};

} // namespace

void fault_point(const char* name) {
  static auto plan = Plan{};
  if (plan.record >= 0) {
    auto line = std::string{name} + "\n";
    static_cast<void>(!::write(plan.record, line.data(), line.size()));
  }
  if (plan.name == name && --plan.left == 0)
    ::kill(::getpid(), SIGKILL);
}

} // namespace berth
