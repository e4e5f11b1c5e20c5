#include "runtimes/linux/pipe.hpp"
#include "runtimes/linux/process.hpp"
#include "runtimes/linux/retry.hpp"
#include "runtimes/linux/sys_error.hpp"

#include <algorithm>
#include <csignal>

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

/// Takes what is there without waiting, up to what a pipe holds: a writer that never stops must not
/// keep the reader from looking at the clock. Closes the stream at its end.
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
Result<bool> collect(const Child& child, Stream& out, Stream& err, Clock::time_point end,
                     size_t limit) {
  for (;;) {
    // poll(2) skips negative descriptors, so a closed stream needs no care.
    pollfd watched[] = {{child.pidfd().get(), POLLIN, 0},
                        {out.read_end.get(), POLLIN, 0},
                        {err.read_end.get(), POLLIN, 0}};
    auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now()).count();
    if (left <= 0)
      return false;
    auto ready = ::poll(watched, std::size(watched),
                        static_cast<int>(std::min<decltype(left)>(left, 60'000)));
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

} // namespace

Result<CommandOutput> run_command(const Argv& argv, std::chrono::milliseconds deadline,
                                  size_t output_limit, const SpawnOptions& options) {
  auto end = Clock::now() + deadline;
  auto out_pipe = Pipe::make();
  if (!out_pipe)
    return failure(std::move(out_pipe.error()));
  auto err_pipe = Pipe::make();
  if (!err_pipe)
    return failure(std::move(err_pipe.error()));
  auto with_pipes = options;
  with_pipes.stdout_fd = out_pipe->write_end.get();
  with_pipes.stderr_fd = err_pipe->write_end.get();
  auto child = Child::spawn(argv, with_pipes);
  if (!child)
    return failure(std::move(child.error()));
  out_pipe->write_end = UniqueFd{};
  err_pipe->write_end = UniqueFd{};
  auto out = Stream{std::move(out_pipe->read_end), {}};
  auto err = Stream{std::move(err_pipe->read_end), {}};
  auto ended = collect(*child, out, err, end, output_limit);
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
  return CommandOutput{to_wait_status(*status), std::move(out.text), std::move(err.text)};
}

} // namespace berth
