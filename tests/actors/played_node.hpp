#pragma once

#include "messages/node.hpp"

#include <functional>

namespace berth::test {

/// What a NODE of a test does with what its pools and containers tell it; without one, nothing.
struct PlayedNode {
  std::function<void(const ContainerSpawned&)> on_spawned;
  std::function<void(const KeepContainer&)> on_keep;
  /// Without one: it knows no container.
  std::function<caf::result<RecalledContainer>(const RecallContainer&)> on_recall;
  std::function<void(const KeepPool&)> on_keep_pool;
  std::function<void(const ContainerRemoved&)> on_removed;
};

NodeActor::behavior_type play_node(PlayedNode played);

} // namespace berth::test
