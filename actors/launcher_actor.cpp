#include "actors/launcher_actor.hpp"

#include "actors/guard.hpp"
#include "actors/tell_state.hpp"
#include "runtimes/launch_monitor.hpp"

namespace berth {

namespace {

caf::result<void> answer(const Result<void>& done) {
  if (!done)
    return to_caf(done.error());
  return caf::unit;
}

} // namespace

LauncherActor::behavior_type launcher_actor(SelfPointer<LauncherActor, LauncherState> self, LaunchHost host,
                                            std::shared_ptr<FdMonitor> fds) {
  guard(self, ActorLabel{}, [self] { return tell(self->state); });
  auto shared = std::make_shared<const LaunchHost>(std::move(host));
  return {
    [=](const StartMonitor& start) -> caf::result<MonitorLink> {
      auto& links = self->state.links;
      if (auto link = links.find(start.info.runtime_id); link != links.end())
        return MonitorLink{link->second};
      auto connection = Result<std::shared_ptr<MonitorConnection>>{};
      if (start.is_started)
        connection = MonitorConnection::find(start.info.directory);
      else
        connection = launch_monitor(start.info, {start.oom_group, start.ticket, start.grace}, *shared, *fds);
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
    [=](const SweepContainer& sweep) {
      auto result = SweptContainer{read_monitor_story(sweep.info.directory), {}};
      if (result.story.empty() || !ends_story(result.story.back()))
        if (auto swept = sweep_container(sweep.info, sweep.rebooted, *shared); !swept)
          result.leftovers = render(swept.error());
      return result;
    },
  };
}

} // namespace berth
