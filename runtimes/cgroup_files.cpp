#include "runtimes/cgroup_files.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <set>

namespace berth {

namespace {

/// Takes the text up to the first `end` off its front; all of it if there is none.
std::string_view cut(std::string_view& text, char end) {
  auto result = text.substr(0, text.find(end));
  text.remove_prefix(std::min(text.size(), result.size() + 1));
  return result;
}

/// Undoes the octal escapes ("\040" for a space) of /proc/self/mountinfo.
std::string unescape(std::string_view text) {
  constexpr auto digits = size_t{3};
  auto result = std::string{};
  while (!text.empty()) {
    auto code = unsigned{0};
    auto octal = text.substr(1, digits);
    if (text[0] == '\\' && octal.size() == digits) {
      auto [end, error] = std::from_chars(octal.data(), octal.data() + digits, code, 8);
      if (error == std::errc{} && end == octal.data() + digits && code <= 0xff) {
        result += static_cast<char>(code);
        text.remove_prefix(digits + 1);
        continue;
      }
    }
    result += text[0];
    text.remove_prefix(1);
  }
  return result;
}

std::vector<std::string> split(std::string_view text, char separator) {
  auto result = std::vector<std::string>{};
  while (!text.empty())
    if (auto word = cut(text, separator); !word.empty())
      result.emplace_back(word);
  return result;
}

/// One line of /proc/self/mountinfo.
struct MountLine {
  uint64_t id = 0;
  uint64_t parent = 0;
  std::string mount_point;
  /// Only of a cgroup file system.
  std::optional<CgroupMount> cgroup;
};

/// ID PARENT MAJOR:MINOR ROOT MOUNT_POINT OPTIONS [TAG...] - TYPE SOURCE SUPER_OPTIONS
std::optional<MountLine> parse_mount_line(std::string_view line) {
  constexpr auto root_field = size_t{3};
  constexpr auto point_field = size_t{4};
  auto separator = line.find(" - ");
  if (separator == std::string_view::npos)
    return std::nullopt;
  auto front = split(line.substr(0, separator), ' ');
  auto back = split(line.substr(separator + 3), ' ');
  if (front.size() <= point_field || back.size() < 2)
    return std::nullopt;
  auto id = parse_counter(front[0]);
  auto parent = parse_counter(front[1]);
  if (!id || !parent)
    return std::nullopt;
  auto result = MountLine{*id, *parent, unescape(front[point_field]), std::nullopt};
  if (back.size() > 2 && (back[0] == "cgroup" || back[0] == "cgroup2"))
    result.cgroup = CgroupMount{unescape(front[root_field]), result.mount_point,
                                back[0] == "cgroup2", split(back[2], ',')};
  return result;
}

using MountTable = std::map<uint64_t, MountLine>;

bool is_same_or_below(const std::string& path, const std::string& directory) {
  return path == directory || directory == "/" || path.starts_with(directory + "/");
}

/// The ids of a mount and of those that it is mounted on; the last one may be out of our sight.
std::set<uint64_t> ancestry(const MountTable& mounts, uint64_t id) {
  auto result = std::set<uint64_t>{};
  while (result.insert(id).second)
    if (auto i = mounts.find(id); i != mounts.end())
      id = i->second.parent;
  return result;
}

/// True if a path to the mount leads into another mount that lies over it.
bool is_hidden(const MountTable& mounts, const MountLine& line) {
  auto below = ancestry(mounts, line.id);
  return std::any_of(mounts.begin(), mounts.end(), [&](auto& entry) {
    auto& other = entry.second;
    return below.count(other.id) == 0 && below.count(other.parent) > 0
           && is_same_or_below(line.mount_point, other.mount_point);
  });
}

} // namespace

std::optional<uint64_t> parse_counter(std::string_view text) {
  if (!text.empty() && text.back() == '\n')
    text.remove_suffix(1);
  auto result = uint64_t{0};
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), result);
  if (error != std::errc{} || end != text.data() + text.size())
    return std::nullopt;
  return result;
}

std::optional<uint64_t> flat_value(std::string_view text, std::string_view key) {
  while (!text.empty()) {
    auto value = cut(text, '\n');
    if (cut(value, ' ') == key)
      return parse_counter(value);
  }
  return std::nullopt;
}

std::vector<std::string> split_words(std::string_view text) {
  auto spaced = std::string{text};
  std::replace(spaced.begin(), spaced.end(), '\n', ' ');
  return split(spaced, ' ');
}

std::optional<uint64_t> parse_limit(std::string_view text) {
  // v1 gives the largest multiple of the page size below 2^63, whatever the page size is.
  constexpr auto unlimited = uint64_t{1} << 62;
  if (text == "max" || text == "max\n")
    return 0;
  auto bytes = parse_counter(text);
  return bytes && *bytes >= unlimited ? 0 : bytes;
}

Result<MemoryEvents> parse_memory_events(std::string_view text) {
  auto oom_kill = flat_value(text, "oom_kill");
  if (!oom_kill)
    return failure(ec::system_error, "memory.events", "no count of OOM kills in it");
  return MemoryEvents{*oom_kill, flat_value(text, "oom_group_kill")};
}

Result<OomControl> parse_oom_control(std::string_view text) {
  auto oom_kill = flat_value(text, "oom_kill");
  if (!oom_kill)
    return failure(ec::system_error, "memory.oom_control", "no count of OOM kills in it");
  return OomControl{*oom_kill, flat_value(text, "under_oom").value_or(0) != 0};
}

CpuTimes parse_cpu_stat(std::string_view text) {
  constexpr auto ns_per_us = uint64_t{1000};
  auto from_us = [&](std::string_view key) -> std::optional<uint64_t> {
    auto us = flat_value(text, key);
    if (!us || *us > UINT64_MAX / ns_per_us)
      return std::nullopt;
    return *us * ns_per_us;
  };
  auto result = CpuTimes{from_us("usage_usec"), from_us("throttled_usec")};
  if (!result.throttled_ns)
    result.throttled_ns = flat_value(text, "throttled_time");
  return result;
}

std::vector<CgroupMount> parse_cgroup_mounts(std::string_view mountinfo) {
  auto mounts = MountTable{};
  while (!mountinfo.empty())
    if (auto line = parse_mount_line(cut(mountinfo, '\n')))
      mounts.emplace(line->id, std::move(*line));
  auto result = std::vector<CgroupMount>{};
  for (auto& [id, line] : mounts)
    if (line.cgroup && !is_hidden(mounts, line))
      result.push_back(*line.cgroup);
  return result;
}

std::vector<std::string> parse_proc_cgroups(std::string_view text) {
  auto result = std::vector<std::string>{};
  while (!text.empty()) {
    auto line = cut(text, '\n');
    if (auto name = cut(line, '\t'); !name.empty() && name[0] != '#')
      result.emplace_back(name);
  }
  return result;
}

} // namespace berth
