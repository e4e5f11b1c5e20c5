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

LauncherActor::behavior_type launcher_actor(LauncherActor::stateful_pointer<LauncherState> self, LaunchHost host,
                                            std::shared_ptr<FdMonitor> fds) {
  guard(self);
  auto shared = std::make_shared<const LaunchHost>(std::move(host));
  return {
    [=](const StartMonitor& start) -> caf::result<MonitorLink> {
      auto& links = self->state.links;
      if (auto link = links.find(start.info.runtime_id); link != links.end())
        return MonitorLink{link->second};
      if (start.is_created)
        return to_caf({ec::internal, "container \"" + start.info.spec.id.value + "\"", "the link to its monitor is lost", {}});
      auto connection = launch_monitor(start.info, {.oom_group = start.oom_group}, *shared, *fds);
      if (!connection)
        return to_caf(connection.error());
      (*connection)->watch(*fds);
      links[start.info.runtime_id] = *connection;
      return MonitorLink{std::move(*connection)};
    },
    [=](const RemoveFiles& remove) {
      // One that nobody waited for any more, and that would wait for its orders.
      if (auto link = self->state.links.extract(remove.info.runtime_id))
        (void)link.mapped()->send(AbortCommand{});
      return answer(remove_container_files(remove.info, *shared));
    },
    [=](const SweepContainer& sweep) { return answer(sweep_container(sweep.info, *shared)); },
  };
}

} // namespace berth
