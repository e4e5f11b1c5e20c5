#include "tests/actors/unit_node.hpp"

namespace berth::test {

std::shared_ptr<NodeContext> unit_node(ActorWorld& world, Parts& parts, const JournalActor& journal, const LauncherActor& launcher) {
  auto cgroups = CgroupHost{};
  cgroups.version = CgroupVersion::v1;
  cgroups.hierarchies = {"/nowhere/memory"};
  cgroups.controllers = {{"memory", "/nowhere/memory"}};
  auto node = std::make_shared<NodeContext>();
  node->host.cgroups = std::make_shared<const CgroupRoot>(CgroupRoot::open(std::move(cgroups), "/berth-unit").value());
  node->host.paths = node_paths("/nowhere");
  node->journal = journal;
  node->launchers = {launcher};
  node->on_spawn = [&world, &parts](ActorKind kind, const caf::actor& actor) {
    parts.add(kind, actor);
    world.adopt(actor);
  };
  return node;
}

} // namespace berth::test
