#include "runtimes/runtime_probe.hpp"

#include "runtimes/launch_monitor.hpp"
#include "runtimes/linux/file.hpp"
#include "runtimes/linux/find_program.hpp"
#include "runtimes/linux/host_facts.hpp"
#include "runtimes/linux/process.hpp"
#include "runtimes/linux/wait_any.hpp"
#include "runtimes/runtime_errors.hpp"
#include "runtimes/runtime_id.hpp"
#include "runtimes/runtime_profile.hpp"

#include <filesystem>

namespace berth {

namespace {

using Clock = std::chrono::steady_clock;

/// For `--version` and the like; a binary that needs longer is not one to put containers on.
constexpr auto question_deadline = std::chrono::seconds{10};
constexpr size_t answer_limit = 1024 * 1024;
/// For cleaning up after a probe that had to be given up.
constexpr auto abort_deadline = std::chrono::seconds{20};
/// What `berth-monitor --canary` ends with: nothing else in a container does by accident.
constexpr int canary_exit_code = 42;
constexpr unsigned canary_mode = 0755;

Error not_a_runtime(const std::string& binary, std::string reason) {
  return {ec::runtime_failed, binary, std::move(reason), "check it with `" + binary + " --version`"};
}

std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

/// What a runtime says when asked; both streams, because some releases answer on stderr. One that hangs does not outlive us.
Result<std::string> ask(const std::string& monitor, const std::string& binary, Argv question, bool must_succeed) {
  question.insert(question.begin(), {monitor, "--ask", std::to_string(own_pid()), binary});
  auto answer = run_command(question, question_deadline, answer_limit);
  if (!answer) {
    auto reason = answer.error().code == ec::deadline_exceeded ? "it does not answer within 10 s" : answer.error().reason;
    return failure(not_a_runtime(binary, std::move(reason)));
  }
  auto text = answer->out + answer->err;
  if (must_succeed && answer->wait_status != 0)
    return failure(not_a_runtime(binary, "`--version` fails with " + to_string(to_exit_status(answer->wait_status))
                                           + (answer->err.empty() ? "" : ": " + first_line(answer->err))));
  return text;
}

Result<RuntimeProfile> make_profile(RuntimeKind kind, const PoolSettings& pool, const NodeSettings& settings,
                                    const LaunchHost& host) {
  auto name = kind == RuntimeKind::runc ? settings.runc_binary.value : settings.runsc_binary.value;
  auto binary = find_program(name);
  if (!binary)
    return failure(ec::runtime_failed, name, binary.error().reason,
                   kind == RuntimeKind::runc ? "install it (`apt-get install runc`) or set `berth.runtimes.runc`"
                                             : "install it (`apt-get install runsc`) or set `berth.runtimes.runsc`");
  auto version = ask(host.monitor_binary, *binary, {"--version"}, true);
  if (!version)
    return failure(version.error());
  auto root = host.paths.state_root(kind, pool);
  if (kind == RuntimeKind::runc)
    return make_runc_profile({*binary, *version, root});
  auto flags = ask(host.monitor_binary, *binary, {"flags"}, false);
  if (!flags)
    return failure(flags.error());
  auto platforms = ask(host.monitor_binary, *binary, {"help", "platforms"}, false);
  if (!platforms)
    return failure(platforms.error());
  return make_gvisor_profile(pool, {*binary, *version, *flags, *platforms, root});
}

/// One probe container from plan to end.
class Canary {
public:
  Canary(const LaunchHost& host, RuntimeProfile profile, const PoolSettings& pool, std::string rootfs) : host_(host) {
    info_.spec.pool = pool.name;
    info_.spec.id = {std::string{probe_id_prefix} + make_runtime_id()};
    info_.spec.rootfs = std::move(rootfs);
    info_.spec.args = {"/canary", "--canary"};
    info_.profile = std::move(profile);
    place_container(info_, host_);
    info_.accepted_at = now();
  }

  ~Canary() {
    (void) remove_container_files(info_, host_);
  }

  Canary(const Canary&) = delete;
  Canary& operator=(const Canary&) = delete;

  /// Success if the container ran and ended as it should within `deadline`.
  Result<void> run(std::chrono::milliseconds deadline, FdMonitor& reaper) {
    auto connection = launch_monitor(info_, {.is_probe = true}, host_, reaper);
    if (!connection)
      return failure(connection.error());
    connection_ = std::move(*connection);
    auto result = follow(Clock::now() + deadline);
    if (!done_) {
      (void) connection_->send(AbortCommand{});
      (void) follow(Clock::now() + abort_deadline);
    }
    if (!done_)
      (void) sweep_container(info_, false, host_);
    if (!result && result.error().code == ec::deadline_exceeded)
      return boot_failure("a container did not boot and end within " + std::to_string(deadline.count()) + " ms");
    return result;
  }

private:
  /// Reads the monitor's messages until its work is done or the time is over.
  Result<void> follow(Clock::time_point deadline) {
    auto verdict = Result<void>{failure(ec::deadline_exceeded, subject(), {})};
    for (;;) {
      auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
      if (left.count() <= 0 || wait_any({{&connection_->socket(), Interest::readable}}, left) == 0)
        return failure(ec::deadline_exceeded, subject(), {});
      auto packet = connection_->receive();
      if (!packet) {
        done_ = true;
        return failure(ec::internal, subject(), "its monitor died");
      }
      if (!*packet)
        continue;
      auto message = decode_monitor_message(**packet);
      if (!message)
        return failure(message.error());
      if (std::holds_alternative<MonitorCreated>(*message)) {
        if (auto sent = connection_->send(StartCommand{}); !sent)
          return failure(sent.error());
      } else if (auto* exited = std::get_if<MonitorExited>(&*message)) {
        verdict = judge(*exited);
      } else if (auto* failed = std::get_if<MonitorFailed>(&*message)) {
        done_ = true;
        if (auto known = recognize_launch_failure(info_.profile, *failed, info_.spec))
          return failure(std::move(*known));
        return boot_failure(explain_launch_failure(info_.profile, *failed, info_.spec).reason);
      } else if (std::holds_alternative<MonitorDeleted>(*message)) {
        done_ = true;
        return verdict;
      }
    }
  }

  Result<void> judge(const MonitorExited& exited) const {
    auto status = to_exit_status(exited.wait_status);
    if (status == ExitStatus{Exited{canary_exit_code}})
      return {};
    return boot_failure("the probe container ended with " + to_string(status));
  }

  /// A sandbox that does not boot, for no reason that is known, is a matter of its platform.
  tl::unexpected<Error> boot_failure(std::string reason) const {
    auto is_sandbox = !info_.profile.has_host_processes;
    return failure(is_sandbox ? ec::platform_failed : ec::runtime_failed, subject(), std::move(reason));
  }

  std::string subject() const {
    return std::string{to_string(info_.profile.kind)} + " " + info_.profile.version;
  }

  const LaunchHost& host_;
  ContainerInfo info_;
  std::shared_ptr<MonitorConnection> connection_;
  bool done_ = false;
};

/// Says which platform failed, and what is known about KVM.
Error explain_boot_failure(const RuntimeProfile& profile, Error error, const HostFacts& facts) {
  if (error.code != ec::platform_failed)
    return error;
  auto platform = profile.platform.empty() ? std::string{"default"} : profile.platform;
  error.subject += ", platform " + platform;
  if (profile.platform == "kvm") {
    auto fact = describe_kvm_problem(facts.kvm);
    if (!fact.empty())
      error.reason += "; " + fact;
    error.next = "use `gvisorPlatform: systrap` (or ptrace on old releases), or a host with working virtualization";
  } else if (error.next.empty()) {
    error.next = "try another `gvisorPlatform`";
  }
  return error;
}

std::string canary_root(const LaunchHost& host) {
  return host.paths.run_directory + "/canary";
}

} // namespace

Result<void> make_canary_root(const LaunchHost& host) {
  namespace fs = std::filesystem;
  if (auto made = make_directories(canary_root(host), canary_mode); !made)
    return made;
  auto error = std::error_code{};
  fs::copy_file(host.monitor_binary, canary_root(host) + "/canary", fs::copy_options::overwrite_existing, error);
  if (error)
    return failure(ec::system_error, "copy of " + host.monitor_binary + " to " + canary_root(host), error.message());
  return {};
}

Result<std::vector<std::string>> offered_platforms(const NodeSettings& settings, const LaunchHost& host) {
  auto binary = find_program(settings.runsc_binary.value);
  if (!binary)
    return failure(not_a_runtime(settings.runsc_binary.value, binary.error().reason));
  auto flags = ask(host.monitor_binary, *binary, {"flags"}, false);
  if (!flags)
    return failure(flags.error());
  auto platforms = ask(host.monitor_binary, *binary, {"help", "platforms"}, false);
  if (!platforms)
    return failure(platforms.error());
  return parse_runsc_platforms(*platforms, *flags);
}

Result<ProbeReport> probe_runtime(RuntimeKind kind, const PoolSettings& pool, const NodeSettings& settings,
                                  const LaunchHost& host, FdMonitor& reaper) {
  auto profile = make_profile(kind, pool, settings, host);
  if (!profile)
    return failure(profile.error());
  if (auto made = make_directories(profile->root, private_directory_mode); !made)
    return failure(made.error());
  if (auto prepared = host.cgroups->prepare_pool(pool.name); !prepared)
    return failure(prepared.error());
  auto begin = Clock::now();
  if (auto ran = Canary{host, *profile, pool, canary_root(host)}.run(settings.probe_timeout.value, reaper); !ran)
    return failure(explain_boot_failure(*profile, ran.error(), host.facts));
  auto took = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begin);
  return ProbeReport{std::move(*profile), took};
}

} // namespace berth
