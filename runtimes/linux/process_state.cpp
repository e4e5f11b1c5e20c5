#include "runtimes/linux/process_state.hpp"

#include "runtimes/linux/file.hpp"

#include <charconv>
#include <csignal>

namespace berth {

namespace {

/// What follows `key` and white space in its line; empty if there is no such line.
std::string_view field(std::string_view text, std::string_view key) {
  for (size_t begin = 0; begin < text.size();) {
    auto end = std::min(text.find('\n', begin), text.size());
    auto line = text.substr(begin, end - begin);
    if (line.starts_with(key)) {
      line.remove_prefix(key.size());
      auto first = line.find_first_not_of(" \t");
      return first == std::string_view::npos ? std::string_view{} : line.substr(first);
    }
    begin = end + 1;
  }
  return {};
}

bool has_sigkill(std::string_view mask) {
  auto bits = uint64_t{0};
  std::from_chars(mask.data(), mask.data() + mask.size(), bits, 16);
  return (bits & (uint64_t{1} << (SIGKILL - 1))) != 0;
}

} // namespace

Vitality parse_vitality(std::string_view status) {
  auto state = field(status, "State:");
  // A process that has given its memory back has no sizes any more.
  if (state.empty() || state.front() == 'Z' || state.front() == 'X' || field(status, "VmSize:").empty())
    return Vitality::ending;
  if (has_sigkill(field(status, "SigPnd:")) || has_sigkill(field(status, "ShdPnd:")))
    return Vitality::killed;
  return Vitality::alive;
}

Vitality vitality_of(int pid) {
  constexpr size_t limit = 64 * 1024;
  auto status = read_file("/proc/" + std::to_string(pid) + "/status", limit);
  return status ? parse_vitality(*status) : Vitality::ending;
}

} // namespace berth
