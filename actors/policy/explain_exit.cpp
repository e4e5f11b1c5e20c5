#include "actors/policy/explain_exit.hpp"

#include <array>
#include <csignal>
#include <cstdio>
#include <utility>

namespace berth {

std::string human_bytes(uint64_t bytes) {
  constexpr auto units = std::array{"B", "KiB", "MiB", "GiB", "TiB"};
  auto value = static_cast<double>(bytes);
  auto unit = size_t{0};
  while (value >= 1024 && unit + 1 < units.size()) {
    value /= 1024;
    ++unit;
  }
  char buf[32];
  std::snprintf(buf, sizeof(buf), unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
  return buf;
}

std::string signal_name(int signal) {
  constexpr auto names = std::array<std::pair<int, const char*>, 15>{{{SIGHUP, "SIGHUP"},
                                                                      {SIGINT, "SIGINT"},
                                                                      {SIGQUIT, "SIGQUIT"},
                                                                      {SIGILL, "SIGILL"},
                                                                      {SIGTRAP, "SIGTRAP"},
                                                                      {SIGABRT, "SIGABRT"},
                                                                      {SIGBUS, "SIGBUS"},
                                                                      {SIGFPE, "SIGFPE"},
                                                                      {SIGKILL, "SIGKILL"},
                                                                      {SIGUSR1, "SIGUSR1"},
                                                                      {SIGSEGV, "SIGSEGV"},
                                                                      {SIGUSR2, "SIGUSR2"},
                                                                      {SIGPIPE, "SIGPIPE"},
                                                                      {SIGALRM, "SIGALRM"},
                                                                      {SIGTERM, "SIGTERM"}}};
  for (const auto& [number, name] : names)
    if (number == signal)
      return name;
  return "signal " + std::to_string(signal);
}

namespace {

std::string describe_limit(const ExitFacts& facts) {
  if (facts.asked_limit == 0 || facts.asked_limit == facts.memory_limit)
    return human_bytes(facts.memory_limit);
  return human_bytes(facts.asked_limit) + " (" + human_bytes(facts.memory_limit) + " with the sandbox)";
}

} // namespace

ExitInfo explain_exit(const ExitFacts& facts) {
  auto result = ExitInfo{};
  result.at = facts.at;
  result.oom_killed = facts.oom_killed;
  // The layout of a wait status is fixed by the kernel's ABI: the low seven bits are the signal, the next byte the code.
  result.signal = facts.wait_status & 0x7f;
  result.code = result.signal != 0 ? 128 + result.signal : (facts.wait_status >> 8) & 0xff;
  auto how = result.signal != 0 ? "ended by " + signal_name(result.signal)
                                : "exited with code " + std::to_string(result.code);
  if (facts.rebooted)
    result.reason = "the host was started anew while it ran; there is no exit status";
  else if (facts.monitor_lost)
    result.reason = "its monitor died, and the container was ended; the real exit status is unknown";
  else if (facts.oom_killed)
    result.reason = facts.memory_limit > 0 ? "killed at its memory limit of " + describe_limit(facts)
                                           : "killed because the host ran out of memory";
  else if (facts.stop_asked)
    result.reason = "stopped: " + how;
  else
    result.reason = how;
  return result;
}

} // namespace berth
