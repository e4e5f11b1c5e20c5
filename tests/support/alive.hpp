#pragma once

#include "tests/support/command.hpp"

namespace berth::test {

/// Is there such a process, and not only its remains? Whoever has become its parent may be slow to reap it.
inline bool is_alive(int pid) {
  auto stat = text_of("/proc/" + std::to_string(pid) + "/stat");
  auto close = stat.rfind(')');
  return close != std::string::npos && close + 2 < stat.size() && stat[close + 2] != 'Z';
}

} // namespace berth::test
