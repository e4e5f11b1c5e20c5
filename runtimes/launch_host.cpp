#include "runtimes/launch_host.hpp"

#include "runtimes/runtime_id.hpp"

namespace berth {

void place_container(ContainerInfo& info, const LaunchHost& host) {
  const auto& id = info.spec.id;
  info.runtime_id = make_runtime_id();
  info.directory = host.paths.container_directory(id);
  info.log_path = host.paths.log_directory(id) + "/container.log";
  auto groups = host.cgroups->container(info.spec.pool, info.runtime_id);
  info.cgroup = groups.oci_path;
  info.memory_cgroup = groups.memory;
}

} // namespace berth
