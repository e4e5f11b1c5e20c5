#include "apps/berth/output.hpp"

#include "apps/berth/format.hpp"
#include "runtimes/linux/terminal.hpp"

#include <cerrno>
#include <cstdio>

namespace berth::cli {

Output::Output(bool no_colour) : is_terminal_(berth::is_terminal(1)), in_colour_(is_terminal_ && !no_colour) {
  // stderr is unbuffered by default: one system call for every piece. What belongs together is flushed together.
  std::setvbuf(stderr, nullptr, _IOFBF, BUFSIZ);
}

void Output::check(bool written) {
  if (!written && error_ == 0)
    error_ = errno == 0 ? EIO : errno;
}

bool Output::write(std::string_view bytes) {
  if (stderr_pending_)
    flush();
  errno = 0;
  if (error_ == 0)
    check(std::fwrite(bytes.data(), 1, bytes.size(), stdout) == bytes.size());
  return error_ == 0;
}

void Output::write_error(std::string_view bytes) {
  // Both may be the same terminal: the order in which they come must stay.
  flush();
  std::fwrite(bytes.data(), 1, bytes.size(), stderr);
  stderr_pending_ = true;
}

bool Output::flush() {
  if (stderr_pending_)
    std::fflush(stderr);
  stderr_pending_ = false;
  errno = 0;
  if (error_ == 0)
    check(std::fflush(stdout) == 0);
  return error_ == 0;
}

void Output::complain(std::string_view message) {
  auto line = "berth: " + printable(message) + "\n";
  std::fwrite(line.data(), 1, line.size(), stderr);
  std::fflush(stderr);
}

} // namespace berth::cli
