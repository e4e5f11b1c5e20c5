#pragma once

#include "actors/metrics.hpp"
#include "runtimes/node_paths.hpp"

namespace berth {

/// Registers what is known of this process and of its files.
void watch_process(metrics::Registry& registry, const NodePaths& paths);

/// Registers metrics of the actors by their kind, and of what is recorded of their messages.
void watch_actors(metrics::Registry& registry);

} // namespace berth
