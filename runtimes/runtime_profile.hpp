#pragma once

#include "config/settings.hpp"
#include "messages/error.hpp"
#include "messages/runtime_profile.hpp"

#include <map>
#include <string_view>

namespace berth {

/// What was read from a runc on this host.
struct RuncFacts {
  /// Absolute path of the executable.
  std::string binary;
  /// Output of `runc --version`.
  std::string version_text;
  /// Where it shall keep its state: absolute.
  std::string root;
};

/// What was read from a runsc on this host.
struct RunscFacts {
  /// Absolute path of the executable.
  std::string binary;
  /// Output of `runsc --version`.
  std::string version_text;
  /// Output of `runsc flags`; all releases so far print it to stderr.
  std::string flags_text;
  /// Output of `runsc help platforms`. Empty (older releases have no such topic): the platforms
  /// that the text of the flag `-platform` names.
  std::string platforms_text;
  /// Where it shall keep its state: absolute. The length of this path does not matter: releases
  /// 20221219 and 20240729 both work below roots of 230 bytes, although the newer one has a socket
  /// file there.
  std::string root;
};

/// Does a flag of runsc take a value?
enum class FlagValue : uint8_t {
  /// A switch: alone, or with "=true".
  none,
  required,
  /// The help text leaves it open (it shows the same for a switch with a quoted word in its
  /// description).
  unknown,
};

/// "1.1.5+ds1" out of "runc version 1.1.5+ds1" and more lines. Fails with `runtime_failed` if it is not
/// runc that spoke.
Result<std::string> parse_runc_version(std::string_view text);

/// "release-20240729.0" (upstream) or "0.0~20221219.0" (Debian) out of the same for runsc.
Result<std::string> parse_runsc_version(std::string_view text);

/// The top-level flags that a runsc knows, by name and without dashes. Empty if the text lists
/// none.
std::map<std::string, FlagValue> parse_runsc_flags(std::string_view text);

/// The platforms that were built into a runsc.
std::vector<std::string> parse_runsc_platforms(std::string_view platforms_text,
                                               std::string_view flags_text);

/// How runc is called. Fails with `runtime_failed` if the binary is something else.
Result<RuntimeProfile> make_runc_profile(const RuncFacts& facts);

/// How runsc is called for a pool: its platform, no network but loopback unless the operator asks
/// for one, no overlay of gVisor's own (the root file system is one of ours already, and writes
/// must reach it), the operator's arguments last. Fails with `platform_failed` if the binary lacks
/// the platform, with `runtime_failed` for an argument that it does not know or that would take
/// something out of Berth's hands.
Result<RuntimeProfile> make_gvisor_profile(const PoolSettings& pool, const RunscFacts& facts);

} // namespace berth
