#include "tests/actors/played_node.hpp"

namespace berth::test {

namespace {

template <class Message>
std::function<void(const Message&)> or_nothing(std::function<void(const Message&)> wanted) {
  return wanted ? std::move(wanted) : [](const Message&) {};
}

} // namespace

NodeActor::behavior_type play_node(PlayedNode played) {
  if (!played.on_recall)
    played.on_recall = [](const RecallContainer&) -> caf::result<RecalledContainer> { return caf::sec::runtime_error; };
  return {[](const LaunchOrder&) { return ContainerInfo{}; },
          [](const FindContainer&) -> caf::result<ContainerActor> { return caf::sec::runtime_error; },
          [](const CancelLaunch&) { return false; },
          [](const ExplainLaunch&) { return Explanation{}; },
          [](const ListContainers&) { return ContainerInfos{}; },
          [](const ListPools&) { return PoolInfos{}; },
          [](const FindPools&) { return PoolActors{}; },
          [](const ChangePools&) { return PoolActors{}; },
          [](const DrainNode&) { return DrainReport{}; },
          [](const UndrainNode&) {},
          or_nothing(std::move(played.on_spawned)),
          or_nothing(std::move(played.on_keep)),
          std::move(played.on_recall),
          or_nothing(std::move(played.on_keep_pool)),
          [](const RecallPools&) { return RecalledPools{}; },
          or_nothing(std::move(played.on_removed)),
          [](const ListActors&) { return OwnedActors{}; },
          [](const RestartDue&) {}};
}

} // namespace berth::test
