#include "actors/launcher_actor.hpp"

#include "actors/guard.hpp"
#include "runtimes/launch_monitor.hpp"

namespace berth {

namespace {

caf::result<void> answer(const Result<void>& done) {
  if (!done)
    return to_caf(done.error());
  return caf::unit;
}

} // namespace

LauncherActor::behavior_type launcher_actor(LauncherActor::pointer self, LaunchHost host,
                                            std::shared_ptr<FdMonitor> reaper) {
  guard(self);
  auto shared = std::make_shared<const LaunchHost>(std::move(host));
  return {
    [=](const StartMonitor& start) -> caf::result<MonitorLink> {
      auto connection = launch_monitor(start.info, {.oom_group = start.oom_group}, *shared, *reaper);
      if (!connection)
        return to_caf(connection.error());
      return MonitorLink{std::move(*connection)};
    },
    [=](const RemoveFiles& remove) { return answer(remove_container_files(remove.info, *shared)); },
    [=](const SweepContainer& sweep) { return answer(sweep_container(sweep.info, *shared)); },
  };
}

} // namespace berth
