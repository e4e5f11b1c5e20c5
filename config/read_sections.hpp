#pragma once

#include "config/section.hpp"

namespace berth {

// The rules of the configuration, one function for each section. What they read goes to
// `state.settings`.

/// `worker.containerRuntime` or a pool's `runtime`.
void read_runtime(Section& section, std::string_view key, Sourced<RuntimeKind>& result);

/// `terminationGracePeriod` of a pool or of all pools.
void read_grace_period(Section& section, Sourced<std::chrono::seconds>& result);

/// One entry of `worker.pools`. The settings of `worker` must have been read before.
void read_pool(const YamlEntry& entry, LoadState& state);

/// The section `berth`; `node` is null if there is none.
void read_node_settings(const YamlNode* node, LoadState& state);

/// Adds the notices about a pool that has been read without errors.
void add_notices(const PoolSettings& pool, Settings& settings);

} // namespace berth
