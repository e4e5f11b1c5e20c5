#include "runtimes/detect_host.hpp"

#include "runtimes/linux/bundle_host.hpp"
#include "runtimes/linux/find_program.hpp"

namespace berth {

Result<std::string> find_monitor(const std::string& option) {
  if (!option.empty())
    return find_program(option);
  auto self = own_executable();
  if (!self)
    return self;
  auto beside = find_program(self->substr(0, self->rfind('/')) + "/berth-monitor");
  if (!beside)
    return failure(ec::system_error, beside.error().subject, beside.error().reason,
                   "install berth-monitor beside " + self->substr(self->rfind('/') + 1) + ", or name it with --monitor");
  return beside;
}

Result<LaunchHost> detect_launch_host(const NodePaths& paths, const LogSettings& logs, const std::string& monitor_option) {
  auto host = LaunchHost{};
  host.paths = paths;
  host.logs = logs;
  auto monitor = find_monitor(monitor_option);
  if (!monitor)
    return failure(monitor.error());
  host.monitor_binary = *monitor;
  auto cgroup_host = detect_cgroup_host();
  if (!cgroup_host)
    return failure(cgroup_host.error());
  auto root = CgroupRoot::open(std::move(*cgroup_host), paths.cgroup_base);
  if (!root)
    return failure(root.error());
  auto bundle = detect_bundle_host(root->has_swap_limit());
  if (!bundle)
    return failure(bundle.error());
  host.bundle = *bundle;
  host.cgroups = std::make_shared<const CgroupRoot>(std::move(*root));
  auto facts = read_host_facts();
  if (!facts)
    return failure(facts.error());
  host.facts = std::move(*facts);
  return host;
}

} // namespace berth
