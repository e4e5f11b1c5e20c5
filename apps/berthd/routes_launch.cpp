#include "apps/berthd/route_support.hpp"
#include "apps/berthd/routes.hpp"
#include "messages/runtime.hpp"
#include "runtimes/linux/log_follower.hpp"

namespace berth {

namespace {

using Clock = std::chrono::steady_clock;

/// For how long the log of a container that has ended may be silent before its end is no longer
/// waited for. Its writer ends with the container, so this is for one that hangs.
constexpr auto end_of_log_limit = std::chrono::seconds{10};

/// How long a client is kept waiting for the removal of its container.
constexpr auto removal_limit = std::chrono::seconds{20};

/// The node answers every launch before this: it has the same limits, and no slack.
std::chrono::milliseconds launch_deadline(const ApiContext& api, const PoolName& pool) {
  auto times = api.times(pool);
  return times.queue + start_slot_deadline + times.start + 3 * launch_slack;
}

/// The output in lines of a log file: consecutive entries of one stream become one line of the
/// answer.
std::string output_lines(std::string_view lines) {
  auto result = std::string{};
  auto stream = LogStream::out;
  auto bytes = std::string{};
  auto finish = [&] {
    if (!bytes.empty())
      result += output_line(stream, bytes);
    bytes.clear();
  };
  while (!lines.empty()) {
    auto end = std::min(lines.find('\n'), lines.size());
    auto entry = parse_cri_log_line(lines.substr(0, end));
    lines.remove_prefix(std::min(end + 1, lines.size()));
    // A line of another form is a torn one, after a crash of its writer.
    if (!entry)
      continue;
    if (entry->stream != stream)
      finish();
    stream = entry->stream;
    bytes.append(entry->text).append(entry->partial ? "" : "\n");
  }
  finish();
  return result;
}

/// Follows a container that was just launched to its end: its output and its OOM kills.
class Attachment {
public:
  Attachment(Call& call, ContainerInfo container, uint64_t cursor, LogFollower log)
      : call_(call),
        lines_(call.reply, call.api.heartbeat),
        container_(std::move(container)),
        watch_(container_.spec.id, cursor),
        log_(std::move(log)) {
    // nop
  }

  /// Returns when all is told but the end. The result is the container after its end.
  Result<ContainerInfo> run() {
    auto pending = call_.node.begin_events(watch_.wish(event_wait_limit));
    if (!pending)
      return failure(std::move(pending.error()));
    for (auto patience = std::chrono::milliseconds{0};;) {
      auto more = pass_output(patience);
      if (!more)
        return failure(std::move(more.error()));
      if (ended_ && log_is_over())
        return std::move(*ended_);
      auto timeout = *more ? std::chrono::milliseconds{0} : until_next();
      auto news =
          call_.client.wait_beside({&pending->fd(), log_ended_ ? nullptr : &log_.fd()}, timeout);
      if (!news)
        return failure(std::move(news.error()));
      patience = *news & 2 ? log_settling_time : std::chrono::milliseconds{0};
      if (*news & 1) {
        if (auto told = pass_events(pending->take()); !told)
          return failure(std::move(told.error()));
        pending = call_.node.begin_events(watch_.wish(event_wait_limit));
        if (!pending)
          return failure(std::move(pending.error()));
      }
      if (auto sent = lines_.keep_alive(); !sent)
        return failure(std::move(sent.error()));
    }
  }

private:
  /// Sends the next piece of the log. False if there is none at the moment.
  Result<bool> pass_output(std::chrono::milliseconds patience) {
    using Kind = LogFollower::Piece::Kind;
    if (log_ended_)
      return false;
    auto piece = log_.next(patience);
    if (!piece)
      return failure(std::move(piece.error()));
    log_ended_ = piece->kind == Kind::end;
    auto text = piece->kind == Kind::gap ? gap_line(1) : output_lines(piece->lines);
    if (auto sent = lines_.send(text); !sent)
      return failure(std::move(sent.error()));
    if (piece->kind == Kind::idle || log_ended_)
      return false;
    last_output_ = Clock::now();
    return true;
  }

  Result<void> pass_events(Result<EventBatch> batch) {
    if (!batch)
      return failure(std::move(batch.error()));
    watch_.take(*batch, container_.accepted_at);
    for (const auto& event : batch->events)
      if (event.type == "container.oom")
        if (auto sent = lines_.send(oom_line(event)); !sent)
          return sent;
    if (ended_ || !watch_.worth_a_look())
      return {};
    auto seen = watch_.look(call_.node, container_);
    if (!seen)
      return failure(std::move(seen.error()));
    ended_ = std::move(*seen);
    last_output_ = Clock::now();
    return {};
  }

  bool log_is_over() const {
    return log_ended_ || Clock::now() - last_output_ >= end_of_log_limit;
  }

  std::chrono::milliseconds until_next() const {
    return ended_ ? std::min<std::chrono::milliseconds>(lines_.until_heartbeat(), end_of_log_limit)
                  : lines_.until_heartbeat();
  }

  Call& call_;
  LineStream lines_;
  ContainerInfo container_;
  EndWatch watch_;
  LogFollower log_;
  bool log_ended_ = false;
  std::optional<ContainerInfo> ended_;
  Clock::time_point last_output_ = Clock::now();
};

Result<void> launch_attached(Call& call, LaunchSpec spec) {
  auto reader = std::optional<OutputReader>{std::in_place, call.api.system};
  // The watch comes first: an end that overtakes the answer to the launch is seen.
  auto cursor = call.node.event_cursor();
  if (!cursor)
    return failure(std::move(cursor.error()));
  call.work.concerns(spec.pool, spec.id);
  auto deadline = launch_deadline(call.api, spec.pool);
  auto container = call.node.launch(std::move(spec), reader->address(), deadline);
  if (!container)
    return failure(std::move(container.error()));
  auto id = container->spec.id;
  call.work.concerns(container->spec.pool, id);
  auto removes = container->spec.auto_remove;
  if (auto begun = call.reply.begin_stream(ndjson_type); !begun)
    return begun;
  if (auto sent = call.reply.write(running_line(*container)); !sent)
    return sent;
  auto log = LogFollower::open(container->log_path, LogFollower::Mode::follow);
  if (!log)
    return failure(std::move(log.error()));
  auto ended = Attachment{call, std::move(*container), *cursor, std::move(*log)}.run();
  if (!ended)
    return failure(std::move(ended.error()));
  // By its end the container hears of it, too, if its actor has died with the message.
  call.node.release_output(id);
  reader.reset();
  // With the last line the client ends, and whoever called it may use the id again.
  if (removes)
    (void)call.node.events(ReadEvents{*cursor, 1, removal_limit, {{"container.removed"}, {}, id}});
  return call.reply.write(exited_line(*ended));
}

} // namespace

Result<void> launch_container(Call& call) {
  auto attach = call.query.flag("attach");
  if (!attach)
    return failure(std::move(attach.error()));
  auto spec = parse_launch_request(call.request.body);
  if (!spec)
    return failure(std::move(spec.error()));
  if (*attach)
    return launch_attached(call, std::move(*spec));
  call.work.concerns(spec->pool, spec->id);
  auto deadline = launch_deadline(call.api, spec->pool);
  auto container = call.node.launch(std::move(*spec), nullptr, deadline);
  if (!container)
    return failure(std::move(container.error()));
  call.work.concerns(container->spec.pool, container->spec.id);
  return call.reply.send_json(201, to_wire(*container));
}

} // namespace berth
