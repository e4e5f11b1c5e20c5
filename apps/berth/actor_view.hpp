#pragma once

#include "apps/berth/failure.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace berth::cli {

/// A row of `GET /v1/actors`.
struct ActorView {
  uint64_t number = 0;
  std::string kind;
  std::string pool;
  std::string container;
  std::string detail;
  std::string state;
  uint64_t mailbox = 0;
  uint64_t handled = 0;
  std::chrono::nanoseconds busy{0};
  uint64_t restarts = 0;
};

Answer<std::vector<ActorView>> read_actors(std::string_view json);

std::string actor_table(const std::vector<ActorView>& actors, bool in_colour);

/// What one actor knows: `GET /v1/actors/N`.
Answer<std::string> describe_actor(std::string_view json, bool in_colour);

/// What an actor has done between two looks.
struct ActorPace {
  ActorView now;
  /// Messages a second, and the part of the time in which it was busy.
  double rate = 0;
  double load = 0;
};

/// Busiest first; actors that were not there before count from their beginning.
std::vector<ActorPace> paces(const std::vector<ActorView>& before, const std::vector<ActorView>& now,
                             std::chrono::nanoseconds between);

/// What `GET /v1/tracing` gives, as lines.
std::string tracing_table(std::string_view json);

} // namespace berth::cli
