#pragma once

#include <string>
#include <string_view>

namespace berth::cli {

/// The command's stdout and stderr. For one thread; only `complain` may be called by others, too.
class Output {
public:
  /// `no_colour`: the user does not want any, whatever stdout is.
  explicit Output(bool no_colour);

  /// False once nobody reads stdout any more (or it cannot be written for another reason): stop then.
  bool write(std::string_view bytes);

  /// The same for stderr; losing it is no reason to stop.
  void write_error(std::string_view bytes);

  /// Hands over what was written so far; gives what `write` gives.
  bool flush();

  /// "berth: <message>" on stderr. Leaves stdout alone: another thread may be stuck in writing to it.
  void complain(std::string_view message);

  /// True if tables are to be coloured.
  bool in_colour() const {
    return in_colour_;
  }

  /// True if stdout is a terminal.
  bool is_terminal() const {
    return is_terminal_;
  }

  /// 0, or why stdout could not be written.
  int error() const {
    return error_;
  }

private:
  void check(bool written);

  bool is_terminal_;
  bool in_colour_;
  bool stderr_pending_ = false;
  int error_ = 0;
};

} // namespace berth::cli
