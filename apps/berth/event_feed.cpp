#include "apps/berth/event_feed.hpp"

#include "apps/berth/exit_codes.hpp"
#include "apps/berth/format.hpp"

namespace berth::cli {

namespace {

Target to_target(const EventFeed& feed) {
  auto target = Target{"/v1/events"};
  if (feed.since)
    target.with("since", std::to_string(*feed.since));
  if (feed.follow)
    target.with("follow", "true");
  target.with_any("type", feed.types);
  target.with_any("pool", feed.pool);
  target.with_any("container", feed.container);
  return target;
}

} // namespace

std::string without_microseconds(const std::string& time) {
  constexpr auto kept = std::string_view{"2026-01-02T03:04:05.006"}.size();
  return time.size() > kept && time.ends_with('Z') ? time.substr(0, kept) + "Z" : time;
}

int perform_feed(const Session& session, const EventFeed& feed) {
  auto last_seq = feed.since;
  auto code = success;
  auto on_line = [&](std::string_view line) {
    auto event = read_event(line);
    if (!event) {
      code = report(session, event.error());
      return false;
    }
    if (event->seq > 0)
      last_seq = event->seq;
    if (feed.json)
      return session.out.write(std::string{line} + "\n");
    if (event->restarted) {
      session.out.complain("this node has not come to an event of that number: it is another node, or its journal was"
                           " removed; all that is kept follows");
      return true;
    }
    if (event->type == "gap") {
      session.out.complain("missed " + std::to_string(event->missed) + " events: they are no longer kept");
      return true;
    }
    return session.out.write(printable(feed.print(*event)) + "\n");
  };
  auto answer = session.client.stream_get(to_target(feed), {on_line, [&] { return session.out.flush(); }});
  session.out.flush();
  if (!answer)
    code = report(session, answer.error());
  else if (feed.follow && session.out.error() == 0 && code == success)
    code = report(session, {"connection_lost", "berthd ended the stream of events; it is stopping"});
  if (feed.follow && code != success && last_seq)
    session.out.complain("the last event was number " + std::to_string(*last_seq) + ": go on with --since "
                         + std::to_string(*last_seq));
  return code;
}

} // namespace berth::cli
