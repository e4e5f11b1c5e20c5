#pragma once

#include <span>
#include <string>
#include <string_view>

namespace berth {

/// A key that a section of the configuration may have.
struct KnownKey {
  std::string_view name;
  /// Why the key has no effect here; empty for the keys that Berth uses. Such keys are those of the
  /// reference system, whose files can be used as they are.
  std::string_view ignored_because = {};
};

using KeyTable = std::span<const KnownKey>;

/// The keys of each section. What is not in them is an error.
KeyTable worker_keys();
KeyTable pool_keys();
KeyTable runtime_config_keys();
KeyTable queue_keys();
KeyTable limit_keys();
KeyTable berth_keys();
KeyTable logs_keys();
KeyTable log_keys();
KeyTable log_component_keys();
KeyTable metrics_keys();
KeyTable runtimes_keys();
KeyTable tracing_keys();

/// The entry for `key`, or null. Keys that Berth uses must match exactly; the case of the others
/// does not matter, as the reference system does not look at it either.
const KnownKey* find_key(KeyTable table, std::string_view key);

/// What to tell somebody who wrote the unknown `key` where `table` applies: a near key, or the
/// section that it belongs to; in parentheses after a space, or empty.
std::string hint_for_unknown_key(KeyTable table, std::string_view key);

} // namespace berth
