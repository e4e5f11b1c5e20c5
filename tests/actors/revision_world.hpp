#pragma once

#include "actors/node_actor.hpp"
#include "tests/support/actor_world.hpp"
#include "tests/support/memory_journal.hpp"
#include "tests/support/parts.hpp"

#include <deque>
#include <set>

namespace berth::test {

/// A node with real NODE, POOL, SELECTOR and REVISION actors. Runtimes are played by the test, so containers stay at their
/// first step, where they hold a place.
struct RevisionWorld : ActorWorld {
  std::vector<std::string> events;
  /// Kinds whose probe fails.
  std::set<RuntimeKind> broken;
  /// While false, probes do not answer.
  bool probes_answer = true;
  int probes = 0;
  std::vector<std::shared_ptr<const Settings>> in_effect;
  /// What REVISION is told of the node's containers, one list for each time it asks; then the truth again.
  std::deque<ContainerInfos> told;

  JournalScript journal_script;
  JournalActor journal;
  LauncherActor launcher;
  NodeActor node;
  RevisionActor revisions;
  Parts parts;

  RevisionWorld();

  RuntimeActor runtime(RuntimeKind kind, const std::optional<PreparedRuntime>& known);

  static std::vector<ConfigFile> files(const std::string& text) {
    return {{"f.yaml", text}};
  }

  void start(const std::string& text);

  /// Stands before the node and tells what the test wants to be told.
  NodeActor spawn_teller();

  Pending<Receipt> apply(const std::string& text, ChangeOptions options = {.origin = "test"});

  Pending<Receipt> apply_without_run(const std::string& text);

  Pending<Receipt> roll_back(uint64_t revision = 0);

  Plan plan(const std::string& text);

  RevisionInfos history();

  PoolInfos list_pools();

  /// "a:1 b:3" - the pools with their generations.
  std::string pools();

  Pending<ContainerInfo> launch(const std::string& pool, const std::string& id);

  ContainerInfo describe(const std::string& id);

  void remove(const std::string& id);

  bool has_event(const std::string& event) const {
    return std::find(events.begin(), events.end(), event) != events.end();
  }
};

} // namespace berth::test
