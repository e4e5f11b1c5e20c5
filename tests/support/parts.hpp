#pragma once

#include "messages/supervision.hpp"
#include "tests/support/catch.hpp"

#include <caf/actor.hpp>
#include <caf/send.hpp>

#include <utility>
#include <vector>

namespace berth::test {

/// The actors that are started again when they die, in the order in which they came.
class Parts {
public:
  void add(ActorKind kind, const caf::actor& actor) {
    parts_.emplace_back(kind, actor);
  }

  const std::vector<std::pair<ActorKind, caf::actor>>& all() const {
    return parts_;
  }

  /// Kills the newest of that kind. It dies when the world runs the next time.
  void kill(ActorKind kind) const {
    for (auto i = parts_.rbegin(); i != parts_.rend(); ++i)
      if (i->first == kind)
        return caf::anon_send_exit(i->second, caf::exit_reason::kill);
    FAIL("there is none");
  }

private:
  std::vector<std::pair<ActorKind, caf::actor>> parts_;
};

} // namespace berth::test
