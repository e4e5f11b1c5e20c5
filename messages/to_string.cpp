#include "messages/pool.hpp"

namespace berth {

const char* to_string(ContainerState state) {
  switch (state) {
    case ContainerState::creating: return "creating";
    case ContainerState::created: return "created";
    case ContainerState::running: return "running";
    case ContainerState::stopping: return "stopping";
    case ContainerState::exited: return "exited";
    case ContainerState::removing: return "removing";
  }
  return "?";
}

const char* to_string(OomScope scope) {
  switch (scope) {
    case OomScope::container: return "container";
    case OomScope::process: return "process";
  }
  return "?";
}

const char* to_string(PoolState state) {
  switch (state) {
    case PoolState::preparing: return "preparing";
    case PoolState::ready: return "ready";
    case PoolState::degraded: return "degraded";
    case PoolState::unavailable: return "unavailable";
  }
  return "?";
}

} // namespace berth
