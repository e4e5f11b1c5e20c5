#include "actors/policy/container_lifecycle.hpp"

namespace berth {

std::optional<Phase> next(Phase phase, Happened event) {
  auto alive = phase >= Phase::creating && phase <= Phase::stopping;
  switch (event) {
    case Happened::slot_granted:
      if (phase == Phase::accepted)
        return Phase::creating;
      break;
    case Happened::monitor_created:
      if (phase == Phase::creating)
        return Phase::created;
      break;
    case Happened::watch_placed:
      if (phase == Phase::created)
        return Phase::starting;
      break;
    case Happened::monitor_started:
      if (phase == Phase::created || phase == Phase::starting)
        return Phase::running;
      break;
    case Happened::stop_asked:
      if (alive && phase != Phase::stopping)
        return Phase::stopping;
      break;
    case Happened::init_exited:
      if (alive)
        return Phase::ended;
      break;
    case Happened::exit_told:
      if (phase == Phase::ended)
        return Phase::exited;
      break;
    case Happened::launch_failed:
      if (phase == Phase::accepted || alive || phase == Phase::ended)
        return Phase::failed;
      break;
  }
  return std::nullopt;
}

ContainerState visible_state(Phase phase) {
  switch (phase) {
    case Phase::accepted:
    case Phase::creating:
      return ContainerState::creating;
    case Phase::created:
    case Phase::starting:
      return ContainerState::created;
    case Phase::running:
      return ContainerState::running;
    case Phase::stopping:
    case Phase::ended:
      return ContainerState::stopping;
    case Phase::exited:
      return ContainerState::exited;
    case Phase::failed:
      return ContainerState::removing;
  }
  return ContainerState::removing;
}

} // namespace berth
