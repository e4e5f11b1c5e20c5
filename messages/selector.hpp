#pragma once

#include "messages/cause.hpp"
#include "messages/explanation.hpp"

#include <caf/replies_to.hpp>
#include <caf/typed_actor.hpp>

#include <chrono>

namespace berth {

/// POOL -> SELECTOR: which runtime for a launch that needs this?
struct LaunchNeeds {
  uint32_t gpus = 0;
  bool checkpoint = false;
  Cause cause;
};

template <class Inspector>
auto inspect(Inspector& f, LaunchNeeds& x) {
  return f(x.gpus, x.checkpoint, x.cause);
}

constexpr auto select_deadline = std::chrono::seconds{5};

/// SELECTOR: applies the override rules of one generation of a pool. Made with its rules and replaced, never edited.
///
///     POOL -- LaunchNeeds --> SELECTOR --> SelectionTrail
using SelectorActor = caf::typed_actor<caf::replies_to<LaunchNeeds>::with<SelectionTrail>>;

} // namespace berth
