#pragma once

#include "apps/berth/client.hpp"
#include "apps/berth/options.hpp"
#include "messages/error.hpp"

#include <functional>
#include <string>
#include <vector>

namespace berth::cli {

struct BundleFile {
  /// "daemon/pools.json"
  std::string name;
  std::string text;
};

/// Asks the daemon, the host and the doctor for all that a report of a defect needs, without secrets (redact.hpp). What cannot be
/// had is told in the file MANIFEST, which comes first; so this works without a daemon, too.
std::vector<BundleFile> collect_bundle(const Client& client, const DebugOptions& options,
                                       const std::function<void(const std::string&)>& on_progress);

/// Writes an archive or a directory, for the caller only (mode 0600). Fails with `system_error`, also if it exists already and
/// `--force` was not given.
Result<void> write_bundle(const std::vector<BundleFile>& files, const DebugOptions& options);

} // namespace berth::cli
