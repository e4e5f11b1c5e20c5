#pragma once

#include "apps/berth/output.hpp"
#include "apps/berth/views.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace berth::cli {

/// The lines of an attached container or of `exec`: passes the output on and remembers how it ended.
class Attachment {
public:
  /// `raw`: every line goes to stdout as it is instead.
  Attachment(Output& out, bool raw) : out_(out), raw_(raw) {
    // nop
  }

  /// Reads one line; false once nobody reads stdout any more, or when the line tells of a failure or makes no sense.
  bool read(std::string_view line);

  /// Called once, with the container that runs now.
  std::function<void(const ContainerView&)> on_running;

  /// What to exit with, once the end is known; tells the user what they cannot see in the output.
  std::optional<int> conclude();

  /// Empty before the container runs.
  const std::string& id() const {
    return id_;
  }

private:
  void tell_of_oom(const EventView& oom);

  Output& out_;
  bool raw_;
  std::string id_;
  std::optional<StreamLine> end_;
  std::optional<Failure> failure_;
};

} // namespace berth::cli
