#pragma once

#include "messages/cause.hpp"
#include "messages/error.hpp"
#include "messages/revision.hpp"

#include <caf/replies_to.hpp>
#include <caf/typed_actor.hpp>

#include <chrono>
#include <functional>
#include <vector>

namespace berth {

/// API, signal -> RELOAD: run by the configured files as they are now, or change nothing at all.
struct Reload {
  ChangeOptions options;
  Cause cause;
};

template <class Inspector>
auto inspect(Inspector& f, Reload& x) {
  return f(x.options, x.cause);
}

/// Reads the configured files, or says why they cannot be read. Blocks: runs in a thread of its own.
using ReadConfig = std::function<Result<std::vector<ConfigFile>>()>;

/// How long the reading of the files may take: they may be on a file system that is slow, or gone.
constexpr auto config_read_deadline = std::chrono::seconds{30};

/// RELOAD: reads the configuration that berthd was started with again and has it applied. The service manager is told when
/// that begins, and when the change is in effect or refused.
///
///     API, signal -- Reload -----> RELOAD
///     RELOAD ------- ApplyConfig -> REVISION --> Receipt, or why nothing has changed
///     RELOAD --> Receipt
///                \-> invalid_config, and whatever REVISION refuses with
using ReloadActor = caf::typed_actor<caf::replies_to<Reload>::with<Receipt>>;

} // namespace berth
