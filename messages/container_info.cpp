#include "messages/container_info.hpp"

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

} // namespace berth
