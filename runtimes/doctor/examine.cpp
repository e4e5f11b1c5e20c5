#include "runtimes/doctor/examine.hpp"

#include "config/load_settings.hpp"
#include "runtimes/doctor/cdi.hpp"
#include "runtimes/doctor/judge.hpp"
#include "runtimes/doctor/round_trip.hpp"
#include "runtimes/doctor/trial_node.hpp"
#include "runtimes/linux/checkup.hpp"
#include "runtimes/linux/file.hpp"
#include "runtimes/linux/find_program.hpp"
#include "runtimes/linux/process.hpp"
#include "runtimes/runtime_probe.hpp"

#include <algorithm>
#include <filesystem>

namespace berth {

namespace {

constexpr auto criu_question_deadline = std::chrono::seconds{30};
constexpr size_t criu_output_limit = 256 * 1024;

/// A container to be booted, for all pools that would boot the same.
struct Trial {
  BootNeed need = BootNeed::none;
  PoolSettings pool;
  std::vector<std::string> pools;
};

bool may_leave_gvisor(const PoolSettings& pool) {
  return pool.overrides.value == OverridePolicy::allow || pool.on_runtime_unavailable.value == UnavailablePolicy::fallback;
}

BootNeed need_of(const PoolSettings& pool) {
  auto falls_back = pool.runtime.value == RuntimeKind::gvisor && pool.on_runtime_unavailable.value == UnavailablePolicy::fallback;
  return falls_back ? BootNeed::has_fallback : BootNeed::firm;
}

class Trials {
public:
  /// `pool` wants to be booted as it is.
  void add(const PoolSettings& pool, BootNeed need, bool is_named = true) {
    auto same = [&](const Trial& trial) {
      return trial.pool.runtime.value == pool.runtime.value && trial.pool.gvisor_platform.value == pool.gvisor_platform.value
             && trial.pool.gvisor_extra_args.value == pool.gvisor_extra_args.value;
    };
    auto found = std::find_if(all_.begin(), all_.end(), same);
    if (found == all_.end()) {
      found = all_.insert(all_.end(), Trial{need, pool, {}});
      // Records of trials stay among themselves.
      found->pool.gvisor_root = {};
    }
    // Who needs it most is told; the others are in the same boat.
    if (need > found->need) {
      found->need = need;
      found->pools.clear();
    }
    if (is_named && need == found->need)
      found->pools.push_back(pool.name.value);
  }

  const std::vector<Trial>& all() const {
    return all_;
  }

private:
  std::vector<Trial> all_;
};

PoolSettings nobodys_pool(RuntimeKind kind, const std::string& platform = {}) {
  auto pool = PoolSettings{};
  pool.name = {"doctor"};
  pool.runtime.value = kind;
  pool.gvisor_platform.value = platform;
  return pool;
}

class Examination {
public:
  explicit Examination(const ExamineOrder& order) : order_(order), is_root_(effective_user() == 0) {
    // nop
  }

  Findings run() {
    read_config();
    part("permissions.", "", [&] { return judge_permissions(examine_permissions(order_.places)); });
    part("kernel.", "", [&] { return judge_kernel(examine_kernel(order_.places)); });
    part("cgroup.", "", [&] { return examine_groups(); });
    part("clock.", "", [&] { return judge_clock(examine_clock()); });
    part("disk.", "", [&] { return examine_disks(); });
    part("memory.", "", [&] { return judge_memory(examine_memory(order_.places)); });
    part("cdi.", "", [&] { return examine_devices(); });
    part("cni.", "", [&] { return judge_cni(examine_cni(order_.places.cni)); });
    if (may_be_wanted("runtime.", order_.wanted))
      boot_all();
    part("criu.", "checkpoint and restore with CRIU", [&] { return examine_criu(); });
    clean_up();
    return std::move(findings_);
  }

private:
  template <class F>
  void part(const char* prefix, const char* progress, F&& examine) {
    if (!may_be_wanted(prefix, order_.wanted) || order_.is_interrupted())
      return;
    if (*progress != '\0')
      order_.on_progress(progress);
    add(examine());
  }

  void add(Findings findings) {
    for (auto& finding : findings)
      if (is_wanted(finding.name, order_.wanted))
        findings_.push_back(std::move(finding));
  }

  void read_config() {
    auto error = std::error_code{};
    if (order_.config_is_default && !std::filesystem::exists(order_.config, error)) {
      add({make_finding("config.file", order_.config, FindingStatus::note, "there is none yet: runc and gVisor were looked at as they are",
                        "write one (config/berth.yaml explains every key), or name it with --config")});
      return;
    }
    auto settings = load_config(order_.config);
    if (settings) {
      settings_ = std::move(*settings);
      has_config_ = true;
      add({make_finding("config.file", order_.config, FindingStatus::ok, std::to_string(settings_.pools.size()) + " pools", {})});
    } else {
      add({make_finding("config.file", order_.config, FindingStatus::problem, to_error(settings.error()).reason,
                        "see `berth validate " + order_.config + "`")});
    }
  }

  Findings examine_groups() {
    // The root directory is what the name of the groups is made from, and no node is kept at this one.
    auto base = node_paths("/berth-doctor-" + std::to_string(own_pid())).cgroup_base;
    return judge_cgroups(examine_cgroups(order_.places, base, is_root_));
  }

  Findings examine_disks() const {
    auto result = judge_disk(examine_disk(order_.places.state_directory));
    auto run = judge_disk(examine_disk(order_.places.run_directory));
    // Both may be in the same place, above which nothing exists yet.
    if (result.front().subject != run.front().subject)
      result.insert(result.end(), run.begin(), run.end());
    return result;
  }

  Findings examine_devices() const {
    auto facts = examine_cdi(order_.places.cdi);
    facts.is_wanted = std::any_of(settings_.pools.begin(), settings_.pools.end(), [](auto& x) { return !x.second.gpu_type.value.empty(); });
    return judge_cdi(facts);
  }

  /// Made when the first container needs it.
  Result<TrialNode*> trial_node() {
    if (!node_) {
      auto made = TrialNode::make(order_.trial_parent, order_.monitor);
      if (!made)
        return failure(made.error());
      node_ = std::move(*made);
    }
    return node_.get();
  }

  NodeSettings node_settings() const {
    auto result = settings_.node;
    if (order_.timeout)
      result.probe_timeout.value = *order_.timeout;
    return result;
  }

  Trials plan_trials(const LaunchHost& host) const {
    auto trials = Trials{};
    for (const auto& [name, pool] : settings_.pools) {
      trials.add(pool, need_of(pool));
      if (pool.runtime.value == RuntimeKind::runc || !may_leave_gvisor(pool))
        continue;
      auto escape = nobodys_pool(RuntimeKind::runc);
      escape.name = pool.name;
      trials.add(escape, BootNeed::second_choice);
    }
    if (!has_config_) {
      trials.add(nobodys_pool(RuntimeKind::runc), BootNeed::none, false);
      trials.add(nobodys_pool(RuntimeKind::gvisor), BootNeed::none, false);
    }
    if (order_.all_platforms)
      for (const auto& platform : offered_platforms(settings_.node, host).value_or(std::vector<std::string>{}))
        trials.add(nobodys_pool(RuntimeKind::gvisor, platform), BootNeed::none, false);
    return trials;
  }

  static const char* name_of(RuntimeKind kind) {
    return kind == RuntimeKind::runc ? "runtime.runc" : "runtime.gvisor";
  }

  void boot_all() {
    if (!is_root_) {
      for (auto kind : {RuntimeKind::runc, RuntimeKind::gvisor})
        add({make_finding(name_of(kind), {}, FindingStatus::note, "not tried: only root can boot containers", "run it as root")});
      return;
    }
    auto node = trial_node();
    if (!node) {
      for (auto kind : {RuntimeKind::runc, RuntimeKind::gvisor})
        add({make_finding(name_of(kind), {}, FindingStatus::problem,
                          "no container can be tried here: " + node.error().subject + ": " + node.error().reason,
                          node.error().next.empty() ? "see the findings on cgroups and disks" : node.error().next)});
      return;
    }
    const auto trials = plan_trials((*node)->host());
    for (const auto& trial : trials.all())
      if (may_be_wanted(name_of(trial.pool.runtime.value), order_.wanted) && !order_.is_interrupted())
        add({boot(trial, **node)});
  }

  Finding boot(const Trial& trial, TrialNode& node) {
    auto kind = trial.pool.runtime.value;
    const auto& platform = trial.pool.gvisor_platform.value;
    order_.on_progress("booting a container with " + std::string{to_string(kind)}
                       + (kind == RuntimeKind::gvisor ? ", platform " + (platform.empty() ? "default" : platform) : ""));
    auto facts = BootFacts{};
    facts.kind = kind;
    facts.platform = platform;
    facts.need = trial.need;
    facts.pools = trial.pools;
    if (auto report = probe_runtime(kind, trial.pool, node_settings(), node.host(), node.reaper())) {
      facts.version = std::string{to_string(kind)} + " " + report->profile.version;
      facts.boot_time = report->boot_time;
    } else {
      facts.fault = report.error();
    }
    return judge_boot(facts);
  }

  Findings examine_criu() {
    auto facts = CriuFacts{};
    for (const auto& [name, pool] : settings_.pools)
      if (pool.criu_enabled.value)
        facts.pools.push_back(name);
    // runc takes it from PATH, whatever it is told.
    auto binary = find_program("criu");
    if (!binary) {
      facts.missing = binary.error().reason;
      return judge_criu(facts);
    }
    facts.binary = *binary;
    if (auto version = run_command({*binary, "--version"}, criu_question_deadline, criu_output_limit))
      facts.version = parse_criu_version(version->out);
    if (!is_root_) {
      facts.check_fault = "only root may ask it";
      return judge_criu(facts);
    }
    auto check = run_command({*binary, "check"}, criu_question_deadline, criu_output_limit);
    if (!check)
      facts.check_fault = check.error().reason;
    else if (check->wait_status != 0) {
      facts.check_fault = criu_complaint(check->err + check->out);
      if (facts.check_fault.empty())
        facts.check_fault = "it ends with " + to_string(to_exit_status(check->wait_status));
    }
    auto node = trial_node();
    if (!node || order_.is_interrupted())
      return judge_criu(facts);
    facts.trip_tried = true;
    if (auto trip = try_round_trip(**node, settings_.node.runc_binary.value, node_settings().probe_timeout.value)) {
      facts.checkpoint_time = trip->checkpoint_time;
      facts.restore_time = trip->restore_time;
    } else {
      facts.trip_fault = trip.error();
    }
    return judge_criu(facts);
  }

  void clean_up() {
    if (!node_)
      return;
    auto root = node_->root();
    if (auto removed = node_->remove(); !removed)
      findings_.push_back(make_finding("doctor.leftovers", root, FindingStatus::warning,
                                       "not all that was tried out could be removed: " + removed.error().subject + ": " + removed.error().reason,
                                       "remove it by hand when its processes are gone"));
    node_.reset();
  }

  const ExamineOrder& order_;
  bool is_root_;
  Settings settings_;
  bool has_config_ = false;
  std::unique_ptr<TrialNode> node_;
  Findings findings_;
};

} // namespace

const std::vector<std::string>& check_names() {
  static const auto names = std::vector<std::string>{
    "config.file", "permissions.root", "permissions.capabilities", "permissions.runDirectory", "permissions.stateDirectory",
    "kernel.version", "kernel.pidfd", "kernel.namespaces", "kernel.overlay", "kernel.seccomp", "kernel.userNamespaces", "kernel.inotify",
    "kernel.openFiles", "kernel.log", "cgroup.version", "cgroup.controllers", "cgroup.writable", "cgroup.swap", "clock.synchronised",
    "clock.sane", "disk.space", "disk.inodes", "disk.write", "memory.available", "memory.swap", "cdi.specs", "cdi.broken", "cni.plugins",
    "runtime.runc", "runtime.gvisor", "criu.binary", "criu.kernel", "criu.roundTrip", "doctor.leftovers"};
  return names;
}

Findings examine_host(const ExamineOrder& order) {
  return Examination{order}.run();
}

} // namespace berth
