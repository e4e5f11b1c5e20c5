#pragma once

#include "apps/berthd/api_context.hpp"

namespace berth {

/// The pool of this name. Fails with `unknown_pool`.
Result<PoolInfo> find_pool(const NodeClient& node, const PoolName& name);

/// The container id in a request's path. Fails with `bad_id` if no container can have it.
Result<ContainerId> container_in(const Call& call);

/// The container that a request's path names. Fails with `bad_id` or `unknown_container`.
Result<ContainerInfo> describe_target(const Call& call);

/// How a request wants to read something that grows.
struct Reading {
  /// What comes after the entry of this number; nothing: it did not say.
  std::optional<uint64_t> since;
  /// What is to come as well.
  bool follow = false;
};

/// Fails with `bad_request`.
Result<Reading> reading_in(const Query& query);

/// Sends the lines of a stream, and empty ones while there is nothing to say.
class LineStream {
public:
  LineStream(HttpReply& reply, std::chrono::milliseconds heartbeat);

  /// Sends these lines at once; nothing to send is success.
  Result<void> send(std::string_view lines);

  /// Sends an empty line if it is time for one.
  Result<void> keep_alive();

  /// How long until it is time for an empty line; never negative.
  std::chrono::milliseconds until_heartbeat() const;

private:
  using Clock = std::chrono::steady_clock;

  HttpReply& reply_;
  std::chrono::milliseconds heartbeat_;
  Clock::time_point next_heartbeat_;
};

/// How long a log may take to settle after something has happened to it: a rotation, the end of its
/// writer.
constexpr auto log_settling_time = std::chrono::milliseconds{20};

/// The end of one container, watched through the node's events from a moment on.
class EndWatch {
public:
  /// Looks at where the events stand now; what happens later is seen.
  static Result<EndWatch> begin(const NodeClient& node, const ContainerId& id);

  /// What happens after the event of this number is seen.
  EndWatch(ContainerId id, uint64_t cursor) : id_(std::move(id)), cursor_(cursor) {
    // nop
  }

  /// What to read next: the container's end, its OOM kills and its removal.
  ReadEvents wish(std::chrono::milliseconds wait) const;

  /// Takes what was read, but for what was told before `since`: that is of an earlier container of this id.
  void take(const EventBatch& batch, Timestamp since);

  /// The container has ended, failed or gone, as far as events tell. Some may have been missed:
  /// then the state of the container has to be looked at.
  bool worth_a_look() const {
    return stirred_;
  }

  /// What the container looks like after its end: as it describes itself or, if it has been removed
  /// meanwhile, as it was when `last` was described, with what the event of its end says. Nothing
  /// if it still lives.
  Result<std::optional<ContainerInfo>> look(const NodeClient& node, const ContainerInfo& last);

private:
  ContainerId id_;
  uint64_t cursor_ = 0;
  bool stirred_ = false;
  std::optional<Event> exited_;
  std::optional<Event> failed_;
};

} // namespace berth
