#pragma once

#include "actors/observed.hpp"
#include "messages/reload.hpp"
#include "runtimes/linux/service_manager.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <memory>

namespace berth {

struct ReloadState {
  static inline const char* name = "reload";
};

/// RELOAD of a node whose changes `revisions` makes.
ReloadActor::behavior_type reload_actor(SelfPointer<ReloadActor, ReloadState> self, RevisionActor revisions,
                                        ReadConfig read, std::shared_ptr<ServiceManager> service);

} // namespace berth
