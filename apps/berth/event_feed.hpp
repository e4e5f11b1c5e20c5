#pragma once

#include "apps/berth/session.hpp"
#include "apps/berth/views.hpp"

#include <functional>
#include <string>

namespace berth::cli {

/// Reads events and prints them.
struct EventFeed {
  std::optional<uint64_t> since;
  bool follow = true;
  std::string types;
  std::string pool;
  std::string container;
  /// As they come, one JSON object a line.
  bool json = false;
  /// One event for people, without the end of the line.
  std::function<std::string(const EventView&)> print;
};

/// Gives the exit code. A feed that is followed ends only with the daemon, and that is a failure.
int perform_feed(const Session& session, const EventFeed& feed);

/// "2026-01-02T03:04:05.006Z" of a time with nanoseconds.
std::string without_microseconds(const std::string& time);

} // namespace berth::cli
