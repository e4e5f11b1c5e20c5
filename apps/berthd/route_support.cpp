#include "apps/berthd/route_support.hpp"

#include <algorithm>

namespace berth {

namespace {

/// How an event tells the end of a container.
ExitInfo exit_of(const Event& event) {
  auto number = [&](const char* key) {
    auto i = event.numbers.find(key);
    return i == event.numbers.end() ? 0 : static_cast<int32_t>(i->second);
  };
  auto result = ExitInfo{};
  result.code = number("exitCode");
  result.signal = number("signal");
  result.at = event.time;
  if (auto i = event.flags.find("oomKilled"); i != event.flags.end())
    result.oom_killed = i->second;
  if (auto i = event.texts.find("reason"); i != event.texts.end())
    result.reason = i->second;
  return result;
}

Error launch_failed(const ContainerId& id, const Event& event) {
  auto i = event.texts.find("error");
  return {ec::wrong_state,
          "container \"" + id.value + "\"",
          "its launch failed" + (i == event.texts.end() ? std::string{} : ": " + i->second),
          {}};
}

} // namespace

Result<PoolInfo> find_pool(const NodeClient& node, const PoolName& name) {
  auto pools = node.pools();
  if (!pools)
    return failure(std::move(pools.error()));
  auto i = std::find_if(pools->begin(), pools->end(),
                        [&](const PoolInfo& pool) { return pool.name == name; });
  if (i == pools->end())
    return failure(ec::unknown_pool, "pool \"" + name.value + "\"", "not configured",
                   "see `berth pools`");
  return std::move(*i);
}

Result<ContainerId> container_in(const Call& call) {
  if (!is_valid_name(call.target))
    return failure(ec::bad_id, "container id \"" + call.target.substr(0, 64) + "\"",
                   "no container can have it",
                   "ids begin with a letter or digit and have up to 64 letters, digits, dots, "
                   "hyphens and underscores");
  return ContainerId{call.target};
}

Result<ContainerInfo> describe_target(const Call& call) {
  auto id = container_in(call);
  if (!id)
    return failure(std::move(id.error()));
  return call.node.describe(*id);
}

Result<Reading> reading_in(const Query& query) {
  auto since = query.count("since");
  auto follow = query.flag("follow");
  if (!since)
    return failure(std::move(since.error()));
  if (!follow)
    return failure(std::move(follow.error()));
  return Reading{*since, *follow};
}

// -- lines --------------------------------------------------------------------------------------

LineStream::LineStream(HttpReply& reply, std::chrono::milliseconds heartbeat)
    : reply_(reply), heartbeat_(heartbeat), next_heartbeat_(Clock::now() + heartbeat) {
  // nop
}

Result<void> LineStream::send(std::string_view lines) {
  if (lines.empty())
    return {};
  next_heartbeat_ = Clock::now() + heartbeat_;
  return reply_.write(lines);
}

Result<void> LineStream::keep_alive() {
  if (until_heartbeat().count() > 0)
    return {};
  return send(heartbeat_line);
}

std::chrono::milliseconds LineStream::until_heartbeat() const {
  auto left = std::chrono::ceil<std::chrono::milliseconds>(next_heartbeat_ - Clock::now());
  return std::max(left, std::chrono::milliseconds{0});
}

// -- end of a container -------------------------------------------------------------------------

Result<EndWatch> EndWatch::begin(const NodeClient& node, const ContainerId& id) {
  auto cursor = node.event_cursor();
  if (!cursor)
    return failure(std::move(cursor.error()));
  return EndWatch{id, *cursor};
}

ReadEvents EndWatch::wish(std::chrono::milliseconds wait) const {
  auto result = ReadEvents{};
  result.since = cursor_;
  result.wait = wait;
  result.filter.container = id_;
  result.filter.types = {"container.oom", "container.exited", "container.failed",
                         "container.removed"};
  return result;
}

void EndWatch::take(const EventBatch& batch, Timestamp since) {
  cursor_ = batch.cursor;
  stirred_ = stirred_ || batch.missed > 0;
  for (const auto& event : batch.events) {
    if (event.type == "container.oom" || event.time < since)
      continue;
    stirred_ = true;
    if (event.type == "container.exited" && !exited_)
      exited_ = event;
    else if (event.type == "container.failed" && !failed_)
      failed_ = event;
  }
}

Result<std::optional<ContainerInfo>> EndWatch::look(const NodeClient& node,
                                                    const ContainerInfo& last) {
  stirred_ = false;
  auto current = node.describe(id_);
  // The id may be another container's by now.
  if (current && current->runtime_id == last.runtime_id && !failed_)
    return has_ended(*current) ? std::optional{std::move(*current)} : std::nullopt;
  if (!current && current.error().code != ec::unknown_container)
    return failure(std::move(current.error()));
  if (failed_)
    return failure(launch_failed(id_, *failed_));
  if (!exited_)
    return failure(ec::unknown_container, "container \"" + id_.value + "\"",
                   "removed before its end was seen", "see `berth events`");
  auto result = last;
  result.state = ContainerState::exited;
  result.pid = 0;
  result.exit = exit_of(*exited_);
  return std::optional{std::move(result)};
}

} // namespace berth
