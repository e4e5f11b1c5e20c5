#include "runtimes/runtime_errors.hpp"

#include "config/spelling.hpp"
#include "runtimes/launch_check.hpp"
#include "runtimes/linux/process.hpp"
#include "runtimes/runtime_text.hpp"

#include <algorithm>
#include <array>

namespace berth {

namespace {

/// What the texts are about.
struct Context {
  const RuntimeProfile& profile;
  const LaunchSpec& spec;
};

using Explanation = std::optional<Error>;

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != text.npos;
}

/// The text behind `marker`; nothing if it is not there.
std::optional<std::string_view> after(std::string_view text, std::string_view marker) {
  auto begin = text.find(marker);
  if (begin == text.npos)
    return {};
  return text.substr(begin + marker.size());
}

/// The text between two markers; nothing unless both are there.
std::optional<std::string_view> between(std::string_view text, std::string_view first,
                                        std::string_view second) {
  auto rest = after(text, first);
  if (!rest || !contains(*rest, second))
    return {};
  return rest->substr(0, rest->find(second));
}

/// What stands behind the last colon: the kernel's word for it.
std::string last_part(std::string_view text) {
  auto colon = text.rfind(": ");
  return std::string{colon == text.npos ? text : text.substr(colon + 2)};
}

std::string name_of(const RuntimeProfile& profile) {
  return std::string{to_string(profile.kind)} + " " + profile.version;
}

Error command_error(std::string_view command, std::string_view why) {
  auto subject = "command " + in_quotes(command);
  auto missing = [&](std::string reason) {
    return Error{ec::command_not_found, subject, std::move(reason),
                 "check it, and PATH, in the container's root file system"};
  };
  auto useless = [&](std::string reason) {
    return Error{ec::command_not_executable, subject, std::move(reason),
                 "check its permissions, and that it is built for this machine"};
  };
  if (contains(why, "executable file not found in"))
    return missing("there is no such executable in PATH");
  if (contains(why, "no such file or directory"))
    return missing(
      "there is no such file in the container, or the interpreter that it names is missing");
  if (contains(why, "not a directory"))
    return missing("a part of its path is not a directory");
  if (contains(why, "is a directory"))
    return useless("it is a directory");
  if (contains(why, "permission denied"))
    return useless("it is a directory or may not be executed");
  return useless(last_part(why));
}

Explanation explain_command(std::string_view text, const Context&) {
  // runc: exec: "nope": executable file not found in $PATH
  if (auto rest = after(text, "exec: \""); rest && contains(*rest, "\": "))
    return command_error(rest->substr(0, rest->find("\": ")), *after(*rest, "\": "));
  // runsc: error finding executable "nope" in PATH [/bin]: no such file or directory
  if (auto command = between(text, "error finding executable \"", "\" in PATH"))
    return command_error(*command, "executable file not found in");
  // runsc: failed to load /bin/nope: no such file or directory
  if (auto rest = after(text, "failed to load "); rest && contains(*rest, ": "))
    return command_error(rest->substr(0, rest->rfind(": ")), *rest);
  return {};
}

/// The mount of the launch that lies on `destination`. Other mounts are the runtime's business.
const Mount* find_mount(const LaunchSpec& spec, std::string_view destination) {
  auto same = [&](const Mount& x) { return normalize_path(x.destination) == destination; };
  auto found = std::find_if(spec.mounts.begin(), spec.mounts.end(), same);
  return found == spec.mounts.end() ? nullptr : &*found;
}

Explanation explain_mount(std::string_view text, const Context& context) {
  // runc:  error mounting "/src" to rootfs at "/dst": stat /src: no such file or directory
  auto destination = between(text, "\" to rootfs at \"", "\"");
  // runsc: mounting {Destination:/dst Type:bind Source:/src Options:[rbind] …}: stat("/src")
  // failed: …
  if (!destination)
    destination = between(text, "mounting {Destination:", " Type:");
  // runsc: error setting up FS: resolving symlinks to "/dst": lstat …: not a directory
  if (!destination)
    destination = between(text, "resolving symlinks to \"", "\"");
  auto mount = destination ? find_mount(context.spec, *destination) : nullptr;
  if (mount == nullptr)
    return {};
  auto subject = "mount " + in_quotes(mount->source + ":" + mount->destination);
  if (contains(text, "stat " + mount->source + ": no such file or directory"))
    return Error{ec::bad_request, subject, "the source does not exist on this node",
                 "create it, or mount another"};
  if (contains(text, "not a directory"))
    return Error{ec::bad_request, subject,
                 "one is a directory and the other is not, or a part of the path is a file",
                 "mount a file on a file and a directory on a directory"};
  return Error{ec::bad_request, subject, last_part(text), "check source and destination"};
}

Explanation explain_workdir(std::string_view text, const Context& context) {
  // runc exec: chdir to cwd ("/etc/file") set in config.json failed: not a directory
  auto directory = between(text, "chdir to cwd (\"", "\"");
  // runsc: Error setting up root FS: creating working directory "/etc/file": mkdir …: not a
  // directory
  if (!directory)
    directory = between(text, "creating working directory \"", "\"");
  // runc: mkdir /etc/file: not a directory
  if (auto made = between(text, "mkdir ", ": ");
      !directory && made && *made == context.spec.workdir)
    directory = made;
  if (!directory)
    return {};
  return Error{
    ec::bad_request, "workdir " + in_quotes(*directory), last_part(text),
    "give a directory that the user may enter, or one that does not exist and can be made"};
}

Explanation explain_user(std::string_view text, const Context& context) {
  auto reason = after(text, "unable to setup user: ");
  if (!reason)
    return {};
  return Error{ec::bad_request, "user " + in_quotes(context.spec.user), std::string{*reason},
               "give another --user"};
}

Explanation explain_limits(std::string_view text, const Context& context) {
  // runc: unable to set memory limit to 1048576 (current usage: 2093056, peak usage: 2523136)
  if (contains(text, "unable to set memory limit to ") || contains(text, "init was OOM-killed"))
    return Error{
      ec::bad_request, "memory limit " + std::to_string(context.spec.limits.memory_bytes),
      "it is too low for the runtime itself, before the command has begun", "raise --memory"};
  if (!contains(text, "resource temporarily unavailable")
      && !contains(text, "failed to create new OS thread"))
    return {};
  if (context.spec.limits.pids > 0)
    return Error{ec::bad_request, "pids limit " + std::to_string(context.spec.limits.pids),
                 "it is too low for the runtime itself, before the command has begun",
                 "raise --pids"};
  return Error{ec::runtime_failed, name_of(context.profile),
               "no more processes or threads can be made on this node",
               "see `pids.max` of berthd's own cgroup and kernel.pid_max"};
}

Explanation explain_sysctl(std::string_view text, const Context&) {
  auto bad = [](std::string_view name, std::string reason) {
    return Error{ec::bad_request, "sysctl " + in_quotes(name), std::move(reason),
                 "see `sysctl -a` in a container"};
  };
  if (auto name = between(text, "sysctl \"", "\" is not in a separate kernel namespace"))
    return bad(*name, "it is a parameter of the whole host");
  // runc: write /proc/sys/kernel/shmmax: invalid argument
  auto path = between(text, " /proc/sys/", ": ");
  if (!path)
    return {};
  auto name = std::string{*path};
  std::replace(name.begin(), name.end(), '/', '.');
  return bad(name, last_part(text));
}

Explanation explain_rootfs(std::string_view text, const Context& context) {
  if (!contains(text, "invalid rootfs: ") && !contains(text, "mounting root on root ")
      && !contains(text, "unable to start init: fork/exec /proc/self/exe: not a directory"))
    return {};
  return Error{ec::rootfs_missing, "rootfs " + in_quotes(context.spec.rootfs), last_part(text),
               "unpack an image there, or give another --rootfs"};
}

Explanation explain_platform(std::string_view text, const Context& context) {
  auto subject = name_of(context.profile);
  if (auto platform = after(text, "unknown platform: "))
    return Error{ec::platform_failed, subject, "it has no platform " + in_quotes(*platform),
                 "set another `gvisorPlatform`, or none for runsc's default"};
  // error opening KVM device file (/dev/kvm): open /dev/kvm: permission denied
  // creating loader: creating platform: getting VCPU mmap size: inappropriate ioctl for device
  auto reason = after(text, "opening device file for platform ");
  if (!reason)
    reason = after(text, "creating platform: ");
  if (!reason)
    return {};
  return Error{ec::platform_failed, subject,
               "platform initialization failed: " + std::string{*reason},
               "check the platform's device (`ls -l /dev/kvm`), or use another `gvisorPlatform`"};
}

Explanation explain_flags(std::string_view text, const Context& context) {
  if (!contains(text, "flag provided but not defined: ") && !contains(text, " for flag -"))
    return {};
  return Error{ec::runtime_failed, name_of(context.profile), std::string{text},
               "correct `gvisorExtraArgs`; `runsc flags` lists what this version knows"};
}

Explanation explain_network(std::string_view text, const Context& context) {
  // Both known releases take any namespace in which /proc/sys/net/core/rmem_default exists for the
  // host's; on Linux 6.18 that is every one.
  if (!contains(text, "cannot run with network enabled in root network namespace"))
    return {};
  return Error{ec::runtime_failed, name_of(context.profile),
               "its network stack does not work with this kernel (it takes the container's network "
               "namespace for the host's)",
               "use `--network=none` or `--network=host` in `gvisorExtraArgs`, or a newer runsc"};
}

Explanation explain_state(std::string_view text, const Context& context) {
  constexpr auto texts = std::array<std::string_view, 8>{
    "cannot exec in a stopped container", // runc
    "container does not exist",           // runc
    "container not running",              // runc
    "cannot exec in a paused container",  // runc
    "in state stopped",                   // runsc
    "\" not started",                     // runsc
    ": file does not exist",              // runsc: loading container, loading sandbox
    "connecting to control server",       // runsc, sandbox has ended
  };
  if (std::none_of(texts.begin(), texts.end(), [&](auto x) { return contains(text, x); }))
    return {};
  return Error{ec::wrong_state, "container \"" + context.spec.id.value + "\"",
               "it is not running: " + std::string{text}, "see `berth ps -a`"};
}

constexpr auto explanations = std::array{
  explain_command, explain_mount,   explain_workdir, explain_user,
  explain_limits,  explain_sysctl,  explain_rootfs,  explain_platform,
  explain_flags,   explain_network, explain_state,
};

/// The first message that is recognized. Earlier ones name the cause, later ones what came of it.
Explanation recognize(const std::vector<RuntimeMessage>& messages, const Context& context) {
  for (auto& message : messages)
    for (auto explain : explanations)
      if (auto error = explain(message.text, context)) {
        error->reason = one_line(error->reason);
        return error;
      }
  return {};
}

} // namespace

namespace {

Explanation recognize_launch(const std::vector<RuntimeMessage>& messages, const MonitorFailed& failed,
                             const Context& context) {
  if (failed.stage == LaunchStage::plan || failed.stage == LaunchStage::mount)
    return Error{ec::system_error, "container \"" + context.spec.id.value + "\"",
                 one_line(failed.message),
                 "check that the root file system is a directory that overlayfs can have below it"};
  return recognize(messages, context);
}

} // namespace

std::optional<Error> recognize_launch_failure(const RuntimeProfile& profile,
                                              const MonitorFailed& failed, const LaunchSpec& spec) {
  return recognize_launch(parse_runtime_text(failed.message), failed, {profile, spec});
}

Error explain_launch_failure(const RuntimeProfile& profile, const MonitorFailed& failed,
                             const LaunchSpec& spec) {
  auto messages = parse_runtime_text(failed.message);
  if (auto error = recognize_launch(messages, failed, {profile, spec}))
    return *error;
  auto reason = main_message(messages);
  if (contains(reason, "waiting for sandbox to start: EOF"))
    reason = "the sandbox ended while it was starting, and said nothing";
  if (reason.empty())
    reason = "it ended with " + to_string(to_exit_status(failed.wait_status)) + " and said nothing";
  auto has_limits = spec.limits.memory_bytes > 0 || spec.limits.pids > 0;
  return {ec::runtime_failed, name_of(profile) + " " + to_string(failed.stage), std::move(reason),
          has_limits ? "try it with higher limits of memory and pids"
                     : "see `berth pools` for the state of the runtime"};
}

std::optional<Error> explain_exec_failure(const RuntimeProfile& profile, int wait_status,
                                          std::string_view log, const LaunchSpec& spec) {
  auto messages = parse_runtime_text(log);
  auto is_error = [](const RuntimeMessage& x) { return x.is_error; };
  if (wait_status == 0 || std::none_of(messages.begin(), messages.end(), is_error))
    return {};
  if (auto error = recognize(messages, {profile, spec}))
    return error;
  return Error{ec::runtime_failed, name_of(profile) + " exec", main_message(messages),
               "see `berth inspect` for the state of the container"};
}

} // namespace berth
