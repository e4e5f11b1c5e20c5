#include "config/read_sections.hpp"

namespace berth {

void add_notices(const PoolSettings& pool, Settings& settings) {
  auto path = join_path("worker.pools", pool.name.value);
  auto add = [&](std::string_view key, std::string what, const Origin& origin) {
    settings.notices.push_back({join_path(path, key), std::move(what), origin});
  };
  auto denied = pool.overrides.value == OverridePolicy::deny;
  if (pool.runtime.value == RuntimeKind::gvisor) {
    auto routed =
        std::string{denied ? "are refused, because this pool denies overrides" : "run on runc"};
    if (pool.criu_enabled.value)
      add("criuEnabled", "gVisor containers are not checkpointed: those that ask for it " + routed,
          pool.criu_enabled.origin);
    if (!pool.gpu_type.value.empty())
      add("gpuType", "gVisor containers have no GPUs: those that ask for one " + routed,
          pool.gpu_type.origin);
  } else {
    auto without_effect = std::string{"has no effect while the pool's runtime is runc"};
    if (!pool.gvisor_platform.value.empty())
      add("runtimeConfig.gvisorPlatform", without_effect, pool.gvisor_platform.origin);
    if (!pool.gvisor_root.value.empty())
      add("runtimeConfig.gvisorRoot", without_effect, pool.gvisor_root.origin);
    if (!pool.gvisor_extra_args.value.empty())
      add("runtimeConfig.gvisorExtraArgs", without_effect, pool.gvisor_extra_args.origin);
  }
  if (pool.queue.value.length != 0 && pool.max_containers.value == 0)
    add("queue", "has no effect without maxContainers: a pool that is never full lets nothing wait",
        pool.queue.origin);
  if (pool.queue.value.length == 0 && !pool.queue.origin.file.empty())
    add("queue", "has no effect without a length above 0", pool.queue.origin);
}

} // namespace berth
