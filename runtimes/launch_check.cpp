#include "runtimes/launch_check.hpp"

#include "config/spelling.hpp"
#include "runtimes/utf8.hpp"

#include <algorithm>
#include <array>
#include <set>

namespace berth {

namespace {

constexpr size_t max_path_size = 4095;    // PATH_MAX without the terminating zero
constexpr size_t max_hostname_size = 64;  // HOST_NAME_MAX of Linux
constexpr size_t max_host_label_size = 63; // RFC 1123

bool is_lower_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool is_alnum(char c) {
  return is_lower_or_digit(c) || (c >= 'A' && c <= 'Z');
}

tl::unexpected<Error> bad(std::string subject, std::string reason, std::string next = {}) {
  return failure(ec::bad_request, std::move(subject), std::move(reason), std::move(next));
}

/// Text that fits into JSON and into a C string.
Result<void> check_text(const std::string& subject, const std::string& text) {
  if (text.find('\0') != text.npos)
    return bad(subject, "it contains a zero byte", "remove it");
  if (!is_utf8(text))
    return bad(subject, "it is not valid UTF-8, which the runtimes' JSON files cannot carry",
               "pass the bytes in a file, or encode them");
  return {};
}

std::vector<std::string_view> components_of(std::string_view path) {
  auto result = std::vector<std::string_view>{};
  for (size_t begin = 0; begin < path.size();) {
    auto end = std::min(path.find('/', begin), path.size());
    if (end > begin)
      result.push_back(path.substr(begin, end - begin));
    begin = end + 1;
  }
  return result;
}

Result<void> check_path(const std::string& subject, const std::string& path) {
  if (auto text = check_text(subject, path); !text)
    return text;
  if (path.empty() || path.front() != '/')
    return bad(subject, "the path is not absolute", "begin it with /");
  if (path.size() > max_path_size)
    return bad(subject, "the path is longer than " + std::to_string(max_path_size) + " bytes",
               "use a shorter one");
  for (auto part : components_of(path))
    if (part == "." || part == "..")
      return bad(subject, "the path contains \"" + std::string{part} + "\"", "write the path out");
  return {};
}

/// True if `path` is `directory` or below it; both normalized.
bool is_within(const std::string& path, std::string_view directory) {
  return path.compare(0, directory.size(), directory) == 0
         && (path.size() == directory.size() || path[directory.size()] == '/');
}

Result<void> check_destination(const std::string& subject, const std::string& destination) {
  auto path = normalize_path(destination);
  if (path == "/")
    return bad(subject, "it would hide the root file system", "mount it on a directory below");
  // What lies there is part of the isolation (masked paths, devices, cgroups). Shared memory is the
  // exception that people have good reasons for.
  for (auto kept : {"/proc", "/sys", "/dev"})
    if (is_within(path, kept) && !is_within(path, "/dev/shm"))
      return bad(subject,
                 std::string{"nothing may be mounted on or below "} + kept + " (but on /dev/shm)",
                 "pick another destination");
  return {};
}

Result<void> check_mounts(const std::vector<Mount>& mounts) {
  if (mounts.size() > max_list_length)
    return bad("mounts", "more than " + std::to_string(max_list_length),
               "mount a common parent directory");
  auto seen = std::set<std::string>{};
  for (auto& mount : mounts) {
    auto subject = "mount " + in_quotes(mount.source + ":" + mount.destination);
    if (auto source = check_path(subject + ": source", mount.source); !source)
      return source;
    if (auto destination = check_path(subject + ": destination", mount.destination); !destination)
      return destination;
    if (auto allowed = check_destination(subject, mount.destination); !allowed)
      return allowed;
    if (!seen.insert(normalize_path(mount.destination)).second)
      return bad(subject, "something else is mounted on the same destination",
                 "remove one of the two");
  }
  return {};
}

Result<void> check_hostname(const std::string& name) {
  auto subject = "hostname " + in_quotes(name);
  auto next = std::string{"use letters, digits and hyphens, in parts of at most 63 joined by dots"};
  if (name.size() > max_hostname_size)
    return bad(subject,
               "it is longer than the kernel's limit of " + std::to_string(max_hostname_size)
                 + " bytes",
               next);
  for (size_t begin = 0; begin <= name.size();) {
    auto end = std::min(name.find('.', begin), name.size());
    auto part = name.substr(begin, end - begin);
    auto is_good =
      !part.empty() && part.size() <= max_host_label_size && part.front() != '-'
      && part.back() != '-'
      && std::all_of(part.begin(), part.end(), [](char c) { return is_alnum(c) || c == '-'; });
    if (!is_good)
      return bad(subject, "it is no host name as in RFC 1123", next);
    begin = end + 1;
  }
  return {};
}

Result<void> check_labels(const std::map<std::string, std::string>& labels) {
  if (labels.size() > max_list_length)
    return bad("labels", "more than " + std::to_string(max_list_length),
               "keep what does not select containers elsewhere");
  for (auto& [key, value] : labels) {
    auto subject = "label " + in_quotes(key);
    auto is_known = [](char c) {
      return is_alnum(c) || c == '.' || c == '_' || c == '-' || c == '/';
    };
    if (key.empty() || key.size() > max_label_key_size || !is_alnum(key.front())
        || !std::all_of(key.begin(), key.end(), is_known))
      return bad(subject,
                 "a key begins with a letter or digit and has up to "
                   + std::to_string(max_label_key_size)
                   + " letters, digits, dots, hyphens, underscores and slashes",
                 "rename it");
    if (value.size() > max_label_value_size)
      return bad(subject,
                 "the value is longer than " + std::to_string(max_label_value_size) + " bytes",
                 "shorten it");
    if (auto text = check_text(subject, value); !text)
      return text;
  }
  return {};
}

Result<void> check_sysctls(const std::map<std::string, std::string>& sysctls) {
  // Those that a container's own IPC and network namespaces have; anything else would be the
  // host's.
  constexpr auto names = std::array<std::string_view, 8>{
    "kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem",
    "kernel.shmall", "kernel.shmmax", "kernel.shmmni", "kernel.shm_rmid_forced"};
  if (sysctls.size() > max_list_length)
    return bad("sysctls", "more than " + std::to_string(max_list_length),
               "set them inside the container");
  for (auto& [key, value] : sysctls) {
    auto subject = "sysctl " + in_quotes(key);
    auto is_name = [](char c) { return is_alnum(c) || c == '.' || c == '_' || c == '-'; };
    // Dots become slashes of a path below /proc/sys.
    if (!std::all_of(key.begin(), key.end(), is_name) || key.find("..") != key.npos || key.empty()
        || key.back() == '.')
      return bad(subject, "not a sysctl's name", "write it as in `sysctl -a`, with dots");
    if (std::find(names.begin(), names.end(), key) == names.end()
        && key.compare(0, 10, "fs.mqueue.") != 0 && key.compare(0, 4, "net.") != 0)
      return bad(
        subject, "it is no parameter of a container's own namespaces but of the whole host",
        "set it on the host; containers may have net.*, fs.mqueue.* and System V IPC limits");
    if (auto text = check_text(subject, value); !text)
      return text;
    if (value.size() > max_label_value_size)
      return bad(subject,
                 "the value is longer than " + std::to_string(max_label_value_size) + " bytes",
                 "shorten it");
  }
  return {};
}

Result<void> check_devices(const std::vector<std::string>& devices) {
  if (devices.size() > max_list_length)
    return bad("devices", "more than " + std::to_string(max_list_length),
               "pass only those that are used");
  auto seen = std::set<std::string>{};
  for (auto& device : devices) {
    auto subject = "device " + in_quotes(device);
    if (auto path = check_path(subject, device); !path)
      return path;
    if (!is_within(device, "/dev") || normalize_path(device) != device || device == "/dev")
      return bad(subject, "devices are files below /dev", "name it by its path there");
    if (!seen.insert(device).second)
      return bad(subject, "it is given twice", "remove one of the two");
  }
  return {};
}

Result<void> check_limit(const std::string& name, uint64_t value, uint64_t least, uint64_t most) {
  if (value == 0 || (value >= least && value <= most))
    return {};
  if (value < least)
    return bad(name + " limit " + std::to_string(value),
               "the least that works is " + std::to_string(least), "raise it");
  return bad(name + " limit " + std::to_string(value), "more than " + std::to_string(most),
             "lower it, or leave it out");
}

} // namespace

std::string normalize_path(std::string_view path) {
  auto result = std::string{};
  for (auto part : components_of(path))
    result.append("/").append(part);
  return result.empty() ? "/" : result;
}

Result<void> check_limits(const Limits& limits) {
  if (auto memory = check_limit("memory", limits.memory_bytes, min_memory_bytes, max_memory_bytes);
      !memory)
    return memory;
  if (auto cpu = check_limit("cpu", limits.cpu_millis, min_cpu_millis, max_cpu_millis); !cpu)
    return cpu;
  return check_limit("pids", limits.pids, 1, max_pids);
}

Result<void> check_process(const Argv& args, const std::vector<std::string>& env,
                           const std::string& workdir) {
  if (args.empty() || args.front().empty())
    return bad("command", "there is none", "give it after `--`");
  size_t size = 0;
  for (size_t i = 0; i < args.size(); ++i) {
    size += args[i].size() + 1;
    if (auto text = check_text("argument " + std::to_string(i), args[i]); !text)
      return text;
  }
  for (auto& variable : env) {
    size += variable.size() + 1;
    // The value may be a secret: errors show the name only.
    auto subject = "environment variable " + in_quotes(variable.substr(0, variable.find('=')));
    if (auto text = check_text(subject, variable); !text)
      return text;
    if (variable.find('=') == variable.npos || variable.front() == '=')
      return bad(subject, "it is not of the form KEY=VALUE", "write it so; the value may be empty");
  }
  if (size > max_arguments_size)
    return bad("arguments and environment",
               "together they have " + std::to_string(size) + " bytes, more than "
                 + std::to_string(max_arguments_size),
               "pass large values in a file");
  if (!workdir.empty())
    return check_path("workdir " + in_quotes(workdir), workdir);
  return {};
}

Result<void> check_launch(const LaunchSpec& spec) {
  if (!is_valid_name(spec.id.value))
    return failure(ec::bad_id, "container id " + in_quotes(spec.id.value),
                   "ids begin with a letter or digit and have up to 64 letters, digits, dots, "
                   "hyphens and underscores",
                   "pick another id, or none");
  if (spec.rootfs.empty())
    return bad("rootfs", "none is given", "give the directory of a root file system with --rootfs");
  if (auto rootfs = check_path("rootfs " + in_quotes(spec.rootfs), spec.rootfs); !rootfs)
    return rootfs;
  if (auto process = check_process(spec.args, spec.env, spec.workdir); !process)
    return process;
  if (auto user = check_text("user " + in_quotes(spec.user), spec.user); !user)
    return user;
  if (!spec.hostname.empty())
    if (auto hostname = check_hostname(spec.hostname); !hostname)
      return hostname;
  if (auto labels = check_labels(spec.labels); !labels)
    return labels;
  if (auto mounts = check_mounts(spec.mounts); !mounts)
    return mounts;
  if (auto sysctls = check_sysctls(spec.sysctls); !sysctls)
    return sysctls;
  if (auto devices = check_devices(spec.devices); !devices)
    return devices;
  return check_limits(spec.limits);
}

Result<void> check_support(const LaunchSpec& spec, const RuntimeProfile& profile) {
  if (profile.kind == RuntimeKind::runc)
    return {};
  auto refuse = [&](std::string subject, std::string why) {
    return failure(ec::unsupported, std::move(subject), std::move(why),
                   "launch it in a pool with `runtime: runc`, or leave this out");
  };
  if (!spec.devices.empty())
    return refuse("device " + in_quotes(spec.devices.front()),
                  "gVisor passes no devices of the host to its containers and would ignore it");
  if (!spec.sysctls.empty())
    return refuse("sysctl " + in_quotes(spec.sysctls.begin()->first),
                  "gVisor has a kernel of its own and would ignore the host's parameters");
  return {};
}

} // namespace berth
