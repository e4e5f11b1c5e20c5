#pragma once

#include "config/settings.hpp"

#include <string>
#include <vector>

namespace berth {

/// One value of the effective configuration.
struct SettingRow {
  /// "worker.pools.sandbox.runtime"
  std::string path;
  /// As it would be written, or a word for what has no spelling, such as "unlimited".
  std::string value;
  /// "berth.yaml:12:7", "default", or "worker.terminationGracePeriod, berth.yaml:3:3" for a value
  /// that another key gave.
  std::string source;

  friend bool operator==(const SettingRow&, const SettingRow&) = default;
};

/// Every value that is in force: `berth`, then `worker`, then the pools by name, each beginning with its
/// runtime. Options of gVisor
/// are left out of pools that run on runc and do not mention them.
std::vector<SettingRow> describe(const Settings& settings);

} // namespace berth
