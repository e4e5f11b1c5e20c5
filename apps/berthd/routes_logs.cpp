#include "apps/berthd/route_support.hpp"
#include "apps/berthd/routes.hpp"
#include "runtimes/linux/log_follower.hpp"

#include <deque>

namespace berth {

namespace {

/// The last lines are kept in memory until the end of the log is reached.
constexpr uint64_t largest_tail = 100'000;

/// Which entries of a log are wanted.
struct LogWish {
  bool out = true;
  bool err = true;
  Timestamp since;
  std::optional<uint64_t> tail;
};

/// Who asks for one stream means only that one.
Result<std::pair<bool, bool>> read_streams(const Query& query) {
  auto out = query.flag("stdout");
  auto err = query.flag("stderr");
  if (!out)
    return failure(std::move(out.error()));
  if (!err)
    return failure(std::move(err.error()));
  auto show_out = query.has("stdout") ? *out : !*err;
  auto show_err = query.has("stderr") ? *err : !*out;
  if (!show_out && !show_err)
    return failure(ec::bad_request, "query", "asks for neither stream",
                   "ask for stdout, stderr or both");
  return std::pair{show_out, show_err};
}

Result<LogWish> read_wish(const Query& query) {
  auto streams = read_streams(query);
  if (!streams)
    return failure(std::move(streams.error()));
  auto since = query.since("since", now());
  if (!since)
    return failure(std::move(since.error()));
  auto tail = query.count("tail");
  if (!tail)
    return failure(std::move(tail.error()));
  if (*tail && **tail > largest_tail)
    return failure(ec::bad_request, "query parameter \"tail\"",
                   "larger than " + std::to_string(largest_tail), "leave it out to get all lines");
  return LogWish{streams->first, streams->second, since->value_or(Timestamp{}), *tail};
}

/// Turns lines of a log file into lines of the answer. With a tail, it holds them back until it is
/// told that those that were there at the beginning are all read.
class LogSelector {
public:
  explicit LogSelector(const LogWish& wish) : wish_(wish), holding_(wish.tail.has_value()) {
    // nop
  }

  std::string take(std::string_view lines) {
    auto result = std::string{};
    while (!lines.empty()) {
      auto end = std::min(lines.find('\n'), lines.size());
      auto line = lines.substr(0, end);
      lines.remove_prefix(std::min(end + 1, lines.size()));
      // A line of another form is a torn one, after a crash of its writer.
      auto entry = parse_cri_log_line(line);
      if (!entry || entry->time < wish_.since
          || !(entry->stream == LogStream::out ? wish_.out : wish_.err))
        continue;
      auto starts = starts_line(*entry);
      if (holding_)
        hold(log_line(*entry), starts);
      else
        result += log_line(*entry);
    }
    return result;
  }

  /// The end of what was there at the beginning is reached. Gives the lines that were held back,
  /// once.
  std::string release() {
    holding_ = false;
    auto result = std::string{};
    for (const auto& [text, starts] : std::exchange(held_, {}))
      result += text;
    return result;
  }

private:
  /// False for an entry that goes on with a line that an earlier one has begun.
  bool starts_line(const CriLogEntry& entry) {
    auto& in_line = entry.stream == LogStream::out ? in_line_out_ : in_line_err_;
    return !std::exchange(in_line, entry.partial);
  }

  void hold(std::string text, bool starts) {
    held_.emplace_back(std::move(text), starts);
    held_lines_ += starts ? 1 : 0;
    while (!held_.empty() && (held_lines_ > *wish_.tail || !held_.front().second)) {
      held_lines_ -= held_.front().second ? 1 : 0;
      held_.pop_front();
    }
  }

  LogWish wish_;
  bool holding_;
  bool in_line_out_ = false;
  bool in_line_err_ = false;
  std::deque<std::pair<std::string, bool>> held_;
  uint64_t held_lines_ = 0;
};

} // namespace

Result<void> get_logs(Call& call) {
  using Kind = LogFollower::Piece::Kind;
  auto id = container_in(call);
  if (!id)
    return failure(std::move(id.error()));
  auto follow = call.query.flag("follow");
  if (!follow)
    return failure(std::move(follow.error()));
  auto wish = read_wish(call.query);
  if (!wish)
    return failure(std::move(wish.error()));
  auto container = call.node.describe(*id);
  if (!container)
    return failure(std::move(container.error()));
  auto log = LogFollower::open(container->log_path,
                               *follow ? LogFollower::Mode::follow : LogFollower::Mode::read);
  // Before it is created, a container has no log yet, and nothing to say.
  auto is_early = !log && container->created_at.ns == 0;
  if (!log && !is_early)
    return failure(std::move(log.error()));
  if (auto begun = call.reply.begin_stream(ndjson_type); !begun || is_early)
    return begun;
  auto lines = LineStream{call.reply, call.api.heartbeat};
  auto selector = LogSelector{*wish};
  for (auto patience = std::chrono::milliseconds{0};;) {
    auto piece = log->next(patience);
    if (!piece)
      return failure(std::move(piece.error()));
    patience = std::chrono::milliseconds{0};
    auto text = std::string{};
    switch (piece->kind) {
      case Kind::lines: text = selector.take(piece->lines); break;
      case Kind::gap: text = gap_line(1); break;
      case Kind::idle:
      case Kind::end: text = selector.release(); break;
    }
    if (auto sent = lines.send(text); !sent)
      return sent;
    if (piece->kind == Kind::end)
      return {};
    auto is_idle = piece->kind == Kind::idle;
    auto news = call.client.wait_beside({&log->fd()}, is_idle ? lines.until_heartbeat() : patience);
    if (!news)
      return failure(std::move(news.error()));
    if (is_idle && *news != 0)
      patience = log_settling_time;
    if (auto sent = lines.keep_alive(); !sent)
      return sent;
  }
}

} // namespace berth
