#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

namespace berth {

/// Why something was refused or failed. The names are part of the API: scripts match on them. A code exists only if some
/// caller acts differently on it.
enum class ec : uint8_t {
  /// A request that cannot be understood: a bad field, a bad argument.
  bad_request = 1,
  /// A container id that does not match `[a-zA-Z0-9][a-zA-Z0-9_.-]{0,63}`.
  bad_id,
  /// A container of this id exists already.
  duplicate_id,
  /// No pool of this name is configured.
  unknown_pool,
  /// No container of this id is known.
  unknown_container,
  /// The root file system is missing or not a directory.
  rootfs_missing,
  /// The command does not exist in the container (exit code 127).
  command_not_found,
  /// The command exists but cannot be executed (exit code 126).
  command_not_executable,
  /// The pool runs as many containers as it may and its queue is full or absent.
  limit_reached,
  /// The launch waited in the pool's queue for as long as it may.
  queue_timeout,
  /// More memory, CPU or processes were asked for than the pool allows one container.
  limit_exceeded,
  /// The pool has no usable runtime, and its policy forbids another one.
  pool_unavailable,
  /// The launch needs runc (GPU, checkpoint) and the pool denies overrides.
  override_denied,
  /// The runtime would silently ignore something that was asked for by name.
  unsupported,
  /// The container is not in a state in which this can be done.
  wrong_state,
  /// The OCI runtime failed; the reason is its own message.
  runtime_failed,
  /// The platform of a sandbox runtime does not work on this host.
  platform_failed,
  /// The launch was taken back before the container ran.
  cancelled,
  /// An answer did not come in time.
  deadline_exceeded,
  /// A configuration file is wrong.
  invalid_config,
  /// The kernel refused a system call; the subject names the call and what it was for.
  system_error,
  /// The node is stopping.
  shutting_down,
  /// The part of Berth that should have done this has died and comes back: the same request may succeed in a moment.
  restarting,
  /// The journal cannot be written or read: a full, read-only or broken disk. Nothing was done.
  journal_failed,
  /// berthd ended while this was under way, and nobody could go on with it.
  interrupted,
  /// The node is drained: it takes no launches.
  draining,
  /// No actor of this number lives.
  unknown_actor,
  /// A defect in Berth.
  internal,
};

/// The stable name of a code, e.g. "unknown_pool".
const char* to_string(ec code);

/// What went wrong with what, and what to do about it.
struct Error {
  ec code = ec::internal;
  /// The thing that is concerned: `pool "web"`, `openat memory.max`.
  std::string subject;
  /// Why, in a few words and without a full stop.
  std::string reason;
  /// What the reader can do next; may be empty.
  std::string next;

  friend bool operator==(const Error&, const Error&) = default;
};

template <class Inspector>
auto inspect(Inspector& f, Error& x) {
  return f(x.code, x.subject, x.reason, x.next);
}

/// "unknown_pool: pool "x": not configured (see `berth pools`)".
std::string render(const Error& error);

template <class T>
using Result = tl::expected<T, Error>;

/// Shorthand for returning a failure from a function that gives a `Result`.
inline tl::unexpected<Error> failure(ec code, std::string subject, std::string reason, std::string next = {}) {
  return tl::unexpected<Error>{Error{code, std::move(subject), std::move(reason), std::move(next)}};
}

inline tl::unexpected<Error> failure(Error error) {
  return tl::unexpected<Error>{std::move(error)};
}

} // namespace berth
