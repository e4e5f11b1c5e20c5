#include "actors/guard.hpp"
#include "actors/node_parts.hpp"

#include <algorithm>

namespace berth::node {

namespace {

/// A container whose actor has died is asked again when that is back.
constexpr auto stop_again = std::chrono::milliseconds{100};
constexpr auto longest_grace = std::chrono::milliseconds{std::chrono::hours{24}};

void publish(const Node& node, const char* type) {
  auto event = Event{};
  event.type = type;
  event.time = now();
  event.numbers["ended"] = node.state().drain_report.ended;
  event.numbers["stopped"] = node.state().drain_report.stopped;
  node.self->send(node.order->journal, std::move(event));
}

bool runs(const Node& node, const ContainerId& id) {
  auto entry = node.state().containers.find(id);
  return entry != node.state().containers.end() && entry->second.memory && holds_place(*entry->second.memory);
}

void stop(const Node& node, const ContainerId& id) {
  if (!runs(node, id))
    return;
  const auto& actor = node.state().containers.at(id).actor;
  auto again = [=] { after_pause(node.self, node.state().put_off, stop_again, [=] { stop(node, id); }); };
  if (!actor)
    return again();
  node.self->request(actor, longest_grace + stop_slack, StopContainer{})
    .then([](const ContainerInfo&) {},
          [=](caf::error& err) {
            if (is_death(err))
              again();
          });
}

void stop_all(const Node& node) {
  auto& state = node.state();
  auto running = std::vector<ContainerMemoryPtr>{};
  for (const auto& id : state.drained)
    if (runs(node, id))
      running.push_back(state.containers.at(id).memory);
  // As a host goes down: what came last goes first.
  std::sort(running.begin(), running.end(),
            [](const auto& x, const auto& y) { return x->info.accepted_at > y->info.accepted_at; });
  for (const auto& memory : running) {
    ++state.drain_report.stopped;
    stop(node, memory->info.spec.id);
  }
}

} // namespace

Error drained() {
  return {ec::draining, "node", "it is drained and takes no launches",
          "launch on another node, or end the drain with `berth drain --cancel`"};
}

void look_at_drain(const Node& node) {
  auto& state = node.state();
  state.drain_report.ended += static_cast<uint32_t>(std::erase_if(state.drained, [&](const auto& id) { return !runs(node, id); }));
  if (state.drain_promises.empty() || !state.drained.empty())
    return;
  log::info("node is drained", {{"ended", std::to_string(state.drain_report.ended)},
                                {"stopped", std::to_string(state.drain_report.stopped)}});
  publish(node, "node.drained");
  for (auto& promise : std::exchange(state.drain_promises, {}))
    promise.deliver(state.drain_report);
}

caf::result<DrainReport> on_drain(const Node& node, const DrainNode& drain) {
  auto promise = node.self->make_response_promise<DrainReport>();
  auto begin = [=] {
    auto& now = node.state();
    now.is_drained = true;
    now.drain_promises.push_back(promise);
    if (now.drain_promises.size() == 1)
      now.drain_report = {};
    for (const auto& [id, entry] : now.containers)
      if (runs(node, id))
        now.drained.insert(id);
    publish(node, "node.draining");
    log::info("node takes no launches any more", {{"containers", std::to_string(now.drained.size())},
                                                  {"deadline_ms", std::to_string(drain.deadline.count())}});
    // What waits in a queue has nothing to wait for.
    auto waiting = std::vector<uint64_t>{};
    for (const auto& [ticket, launch] : now.launches)
      if (!has_container(node, launch)) {
        caf::anon_send(launch.pool->actor, CancelLaunch{launch.id});
        waiting.push_back(ticket);
      }
    for (auto ticket : waiting)
      refuse_launch(node, ticket, to_caf(drained()));
    after_pause(node.self, now.put_off, drain.deadline, [=, epoch = ++now.drain_epoch] {
      if (node.state().is_drained && node.state().drain_epoch == epoch)
        stop_all(node);
    });
    look_at_drain(node);
  };
  if (!drain.is_lasting) {
    begin();
    return promise;
  }
  node.self->request(node.order->journal, journal_deadline, RecordDrained{true})
    .then(begin, [=](caf::error& err) mutable { promise.deliver(std::move(err)); });
  return promise;
}

caf::result<void> on_undrain(const Node& node) {
  auto promise = node.self->make_response_promise<caf::unit_t>();
  node.self->request(node.order->journal, journal_deadline, RecordDrained{false})
    .then(
      [=]() mutable {
        auto& state = node.state();
        if (std::exchange(state.is_drained, false))
          publish(node, "node.undrained");
        state.drained.clear();
        ++state.drain_epoch;
        auto cancelled = to_caf({ec::cancelled, "drain", "it was ended by `berth drain --cancel`", {}});
        for (auto& waiting : std::exchange(state.drain_promises, {}))
          waiting.deliver(cancelled);
        promise.deliver(caf::unit);
      },
      [=](caf::error& err) mutable { promise.deliver(std::move(err)); });
  return promise;
}

} // namespace berth::node
