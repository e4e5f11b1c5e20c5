#include "runtimes/oom_victim.hpp"

#include <charconv>

namespace berth {

namespace {

template <class T>
std::optional<T> parse_number(std::string_view text) {
  auto result = T{0};
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), result);
  if (error != std::errc{} || end != text.data() + text.size())
    return std::nullopt;
  return result;
}

std::optional<int32_t> parse_pid(std::string_view text) {
  auto pid = parse_number<int32_t>(text);
  return pid && *pid > 0 ? pid : std::nullopt;
}

/// The text between the first `begin` and what follows it; nothing if there is no `begin`.
std::optional<std::string_view> after(std::string_view text, std::string_view begin) {
  auto at = text.find(begin);
  if (at == std::string_view::npos)
    return std::nullopt;
  return text.substr(at + begin.size());
}

/// oom-kill:constraint=C,nodemask=N,cpuset=S,mems_allowed=M,oom_memcg=G,task_memcg=G,task=NAME,pid=P,uid=U
///
/// The name may hold commas and whole fields. What comes behind it is taken from the end, where it cannot reach, and what
/// comes before it from the front.
std::optional<OomVictim> parse_kill_line(std::string_view text) {
  auto cgroup = after(text, ",task_memcg=");
  if (!cgroup)
    return std::nullopt;
  auto task = after(*cgroup, ",task=");
  if (!task)
    return std::nullopt;
  auto uid_at = task->rfind(",uid=");
  auto pid_at = task->substr(0, uid_at).rfind(",pid=");
  if (uid_at == std::string_view::npos || pid_at == std::string_view::npos)
    return std::nullopt;
  auto digits_at = pid_at + std::string_view{",pid="}.size();
  auto pid = parse_pid(task->substr(digits_at, uid_at - digits_at));
  if (!pid || !parse_number<uint32_t>(task->substr(uid_at + std::string_view{",uid="}.size())))
    return std::nullopt;
  return OomVictim{*pid, std::string{task->substr(0, pid_at)},
                   std::string{cgroup->substr(0, cgroup->find(",task="))}};
}

/// P (NAME) total-vm:…
std::optional<OomVictim> parse_killed_line(std::string_view text) {
  auto name_at = text.find(" (");
  auto name_end = text.rfind(") total-vm:");
  if (name_at == std::string_view::npos || name_end == std::string_view::npos
      || name_at + 2 > name_end)
    return std::nullopt;
  auto pid = parse_pid(text.substr(0, name_at));
  if (!pid)
    return std::nullopt;
  return OomVictim{*pid, std::string{text.substr(name_at + 2, name_end - name_at - 2)}, {}};
}

} // namespace

std::optional<OomVictim> parse_oom_record(std::string_view record) {
  // Programs can write to the log, but not with the facility of the kernel, which is 0.
  constexpr auto priorities_per_facility = 8u;
  auto priority = parse_number<uint32_t>(record.substr(0, record.find(',')));
  auto text = after(record, ";");
  if (!priority || *priority >= priorities_per_facility || !text)
    return std::nullopt;
  auto line = text->substr(0, text->find('\n'));
  if (line.starts_with("oom-kill:"))
    return parse_kill_line(line);
  for (std::string_view begin :
       {"Memory cgroup out of memory: Killed process ", "Out of memory: Killed process ",
        "Out of memory (oom_kill_allocating_task): Killed process "})
    if (line.starts_with(begin))
      return parse_killed_line(line.substr(begin.size()));
  return std::nullopt;
}

bool is_in_cgroup(const OomVictim& victim, std::string_view path) {
  // Where we see a part of the hierarchy only, the kernel puts the path of that part in front.
  auto at = path.empty() ? std::string::npos : victim.cgroup.find(path);
  if (at == std::string::npos)
    return false;
  auto end = at + path.size();
  return end == victim.cgroup.size() || victim.cgroup[end] == '/';
}

} // namespace berth
