#include "runtimes/doctor/judge.hpp"

#include <algorithm>

namespace berth {

namespace {

using enum FindingStatus;

std::string pools_text(const std::vector<std::string>& pools) {
  constexpr auto most = size_t{5};
  auto shown = std::vector<std::string>{pools.begin(), pools.begin() + static_cast<ptrdiff_t>(std::min(pools.size(), most))};
  return (pools.size() == 1 ? "pool " : "pools ") + join_words(shown)
         + (pools.size() > most ? " and " + std::to_string(pools.size() - most) + " more" : "");
}

std::string reason_of(const Error& error) {
  return error.subject.empty() ? error.reason : error.subject + ": " + error.reason;
}

const char* consequence_of(BootNeed need) {
  switch (need) {
    case BootNeed::none: return "";
    case BootNeed::second_choice: return "; launches with a GPU or checkpoints, and fallbacks, fail there";
    case BootNeed::has_fallback: return "; runc takes its place there";
    case BootNeed::firm: return "; no launches there";
  }
  return "";
}

} // namespace

Findings judge_cgroups(const CgroupFacts& facts) {
  if (!facts.host)
    return {make_finding("cgroup.version", {}, problem, reason_of(facts.fault),
                    facts.fault.next.empty() ? "mount -t cgroup2 cgroup2 /sys/fs/cgroup" : facts.fault.next)};
  const auto& host = *facts.host;
  auto is_v1 = host.version == CgroupVersion::v1;
  auto result = Findings{};
  result.push_back(make_finding("cgroup.version", {}, is_v1 ? note : ok, std::string{"cgroup "} + to_string(host.version),
                           "start the kernel with systemd.unified_cgroup_hierarchy=1: v2 counts better and can end a container as a whole"));
  auto lacking = std::vector<std::string>{};
  for (const auto* name : {"memory", "cpu", "pids"})
    if (host.controllers.count(name) == 0)
      lacking.emplace_back(name);
  // On v2 freezing and devices are no controllers but always there.
  auto lesser = std::vector<std::string>{};
  if (is_v1)
    for (const auto* name : {"freezer", "devices", "cpuacct"})
      if (host.controllers.count(name) == 0)
        lesser.emplace_back(name);
  auto present = std::vector<std::string>{};
  for (const auto& [name, mount] : host.controllers)
    present.push_back(name);
  auto status = !lacking.empty() || std::count(lesser.begin(), lesser.end(), "devices") > 0 ? problem : !lesser.empty() ? warning : ok;
  lacking.insert(lacking.end(), lesser.begin(), lesser.end());
  result.push_back(make_finding("cgroup.controllers", {}, status, lacking.empty() ? join_words(present) : "missing: " + join_words(lacking),
                           is_v1 ? "mount them, each at /sys/fs/cgroup/NAME, and enable them in the kernel (see /proc/cgroups)"
                                 : "let the root of the hierarchy offer them: see cgroup.controllers and cgroup_disable= of the kernel"));
  if (!facts.write_tried) {
    result.push_back(make_finding("cgroup.writable", {}, note, "not tried: only root may make groups, and only on the running host",
                                  "run it as root, without --prefix"));
    return result;
  }
  result.push_back(make_finding("cgroup.writable", {}, facts.write_fault.empty() ? ok : problem,
                             facts.write_fault.empty() ? "groups were made and removed in "
                                                           + std::to_string(host.hierarchies.size())
                                                           + (host.hierarchies.size() == 1 ? " hierarchy" : " hierarchies")
                                                       : facts.write_fault,
                             facts.write_fix.empty() ? "mount it read-write; in a container, let it have a cgroup tree of its own (delegation)"
                                                     : facts.write_fix));
  result.push_back(make_finding("cgroup.swap", {}, facts.has_swap_limit ? ok : note,
                           facts.has_swap_limit ? "the use of swap can be limited"
                                                : "the use of swap cannot be limited: with swap, containers may use more than their limit",
                           "start the kernel with swapaccount=1, or use no swap"));
  return result;
}

Findings judge_cdi(const CdiFacts& facts) {
  auto result = Findings{};
  auto good = size_t{0};
  auto devices = size_t{0};
  auto kinds = std::vector<std::string>{};
  for (const auto& file : facts.files) {
    if (!file.fault.empty()) {
      result.push_back(make_finding("cdi.broken", file.path, facts.is_wanted ? problem : warning, file.fault,
                               "make the file anew with the vendor's tool (`nvidia-ctk cdi generate`), or remove it"));
      continue;
    }
    ++good;
    devices += file.devices;
    if (std::find(kinds.begin(), kinds.end(), file.kind) == kinds.end())
      kinds.push_back(file.kind);
  }
  auto places = join_words(facts.directories);
  result.insert(result.begin(),
                make_finding("cdi.specs", {}, good > 0 ? ok : facts.is_wanted ? warning : note,
                        good > 0 ? std::to_string(devices) + " devices of " + join_words(kinds) : "no device is described in " + places,
                        "for GPUs and the like, let the vendor's tool describe the devices in " + facts.directories.front()));
  return result;
}

Findings judge_cni(const CniFacts& facts) {
  auto has = !facts.plugins.empty();
  return {make_finding("cni.plugins", {}, has ? ok : note,
                  has ? join_words(facts.plugins) : "none in " + join_words(facts.directories) + "; containers have loopback only so far",
                  "nothing to do: Berth sets up no networks yet")};
}

Finding judge_boot(const BootFacts& facts) {
  auto is_runc = facts.kind == RuntimeKind::runc;
  auto name = is_runc ? "runtime.runc" : "runtime.gvisor";
  auto subject = is_runc ? std::string{} : "platform " + (facts.platform.empty() ? "default" : facts.platform);
  auto used = facts.pools.empty() ? std::string{} : " (" + pools_text(facts.pools) + ")";
  if (!facts.fault)
    return make_finding(name, subject, ok,
                   facts.version + ", booted a container in " + std::to_string(facts.boot_time.count()) + " ms" + used, {});
  auto status = facts.need == BootNeed::none ? note : facts.need == BootNeed::firm ? problem : warning;
  auto fix = facts.fault->next.empty() ? "see the reason, and try `" + std::string{is_runc ? "runc" : "runsc"} + " run` by hand"
                                       : facts.fault->next;
  return make_finding(name, subject, status, reason_of(*facts.fault) + used + consequence_of(facts.need), fix);
}

Findings judge_criu(const CriuFacts& facts) {
  auto wanted = !facts.pools.empty();
  auto bad = wanted ? warning : note;
  auto used = wanted ? " (" + pools_text(facts.pools) + ")" : std::string{};
  if (!facts.missing.empty())
    return {make_finding("criu.binary", {}, bad, "no CRIU: " + facts.missing + used,
                    wanted ? "install it (`apt-get install criu`), or set `criuEnabled: false`"
                           : "nothing to do unless containers shall be checkpointed; then install it (`apt-get install criu`)")};
  auto result = Findings{};
  result.push_back(make_finding("criu.binary", {}, ok, facts.binary + (facts.version.empty() ? "" : " " + facts.version), {}));
  result.push_back(make_finding("criu.kernel", {}, facts.check_fault.empty() ? ok : bad,
                           facts.check_fault.empty() ? "`criu check` is content" : "`criu check` is not: " + facts.check_fault + used,
                           "load the modules that it misses (`modprobe -a unix_diag inet_diag tcp_diag udp_diag netlink_diag af_packet_diag`), or use a "
                                "CRIU that knows this kernel (4.1 or newer for Linux 6.x)"));
  if (!facts.trip_tried)
    result.push_back(make_finding("criu.roundTrip", {}, note, "not tried", "run it as root, with runc and without errors above"));
  else if (facts.trip_fault)
    result.push_back(make_finding("criu.roundTrip", {}, bad, reason_of(*facts.trip_fault) + used,
                             facts.trip_fault->next.empty()
                               ? (facts.check_fault.empty() ? "CRIU is content with the kernel, so look at runc: try other versions of both"
                                                            : "see criu.kernel: that has to be right first")
                               : facts.trip_fault->next));
  else
    result.push_back(make_finding("criu.roundTrip", {}, ok,
                             "a container was checkpointed in " + std::to_string(facts.checkpoint_time.count()) + " ms and restored in "
                               + std::to_string(facts.restore_time.count()) + " ms",
                             {}));
  return result;
}

} // namespace berth
