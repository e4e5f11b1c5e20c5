#include "runtimes/linux/process.hpp"
#include "runtimes/linux/retry.hpp"
#include "runtimes/linux/sys_error.hpp"

#include <algorithm>
#include <csignal>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

namespace berth {

namespace {

using Clock = std::chrono::steady_clock;

/// The reading end of one stream of a command.
struct Stream {
  UniqueFd read_end;
  std::string text;
};

/// Takes what is there without waiting, up to what a pipe holds: a writer that never stops must not keep the reader from
/// looking at the clock. Closes the stream at its end.
void drain(Stream& stream, size_t limit) {
  char buffer[16 * 1024];
  for (auto reads = 0; reads < 8 && stream.read_end; ++reads) {
    auto n = retry([&] { return ::read(stream.read_end.get(), buffer, sizeof(buffer)); });
    if (n < 0 && errno == EAGAIN)
      return;
    if (n <= 0) {
      stream.read_end = UniqueFd{};
      return;
    }
    stream.text.append(buffer, std::min(static_cast<size_t>(n), limit - stream.text.size()));
  }
}

/// True when the process has ended, false at the deadline.
Result<bool> collect(const Child& child, Stream& out, Stream& err, Clock::time_point end, size_t limit) {
  for (;;) {
    // poll(2) skips negative descriptors, so a closed stream needs no care.
    pollfd watched[] = {{child.pidfd().get(), POLLIN, 0}, {out.read_end.get(), POLLIN, 0},
                        {err.read_end.get(), POLLIN, 0}};
    auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now()).count();
    if (left <= 0)
      return false;
    auto ready = ::poll(watched, std::size(watched), static_cast<int>(std::min<decltype(left)>(left, 60'000)));
    if (ready < 0 && errno != EINTR)
      return failure(sys_error("poll", "command"));
    if (ready <= 0)
      continue;
    auto ended = watched[0].revents != 0;
    if (watched[1].revents != 0 || ended)
      drain(out, limit);
    if (watched[2].revents != 0 || ended)
      drain(err, limit);
    if (ended)
      return true;
  }
}

/// A pipe whose reading end does not block.
Result<std::pair<Stream, UniqueFd>> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0)
    return failure(sys_error("pipe2"));
  auto result = std::pair{Stream{UniqueFd{ends[0]}, {}}, UniqueFd{ends[1]}};
  if (::fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0)
    return failure(sys_error("fcntl", "O_NONBLOCK"));
  return result;
}

} // namespace

Result<CommandOutput> run_command(const Argv& argv, std::chrono::milliseconds deadline, size_t output_limit,
                                  const SpawnOptions& options) {
  auto end = Clock::now() + deadline;
  auto out = make_pipe();
  if (!out)
    return failure(std::move(out.error()));
  auto err = make_pipe();
  if (!err)
    return failure(std::move(err.error()));
  auto with_pipes = options;
  with_pipes.stdout_fd = out->second.get();
  with_pipes.stderr_fd = err->second.get();
  auto child = Child::spawn(argv, with_pipes);
  if (!child)
    return failure(std::move(child.error()));
  out->second = UniqueFd{};
  err->second = UniqueFd{};
  auto ended = collect(*child, out->first, err->first, end, output_limit);
  if (!ended)
    return failure(std::move(ended.error()));
  if (!*ended) {
    child->kill_group(SIGKILL);
    auto reason = "no end within " + std::to_string(deadline.count()) + " ms, killed";
    return failure(ec::deadline_exceeded, "command " + argv[0], std::move(reason));
  }
  auto status = child->wait();
  if (!status)
    return failure(std::move(status.error()));
  return CommandOutput{to_wait_status(*status), std::move(out->first.text), std::move(err->first.text)};
}

} // namespace berth
