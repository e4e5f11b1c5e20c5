#include "apps/berth-monitor/output.hpp"

#include "apps/berth-monitor/text.hpp"
#include "runtimes/linux/pipe.hpp"
#include "runtimes/linux/retry.hpp"

#include <unistd.h>

namespace berth {

namespace {

/// One read; what a pipe holds by default.
constexpr size_t read_size = 64 * 1024;
/// Text is cut into entries in slices of this size, because an entry can be forty times as long as
/// its text.
constexpr size_t slice_size = 4 * 1024;
/// Entries are written to the file when they have this size, or when nothing more is to be read.
constexpr size_t batch_size = 64 * 1024;
/// How many reads one round of the loop makes before it looks at anything else.
constexpr int reads_per_round = 16;
/// How long an incomplete line waits for its end. A person does not notice it; a program that
/// prints a line in pieces rarely pauses for so long.
constexpr auto pending_delay = std::chrono::milliseconds{200};

} // namespace

Result<void> Output::open(const std::string& log_path, uint64_t max_size, uint32_t max_files) {
  auto log = LogFile::open(log_path, max_size, max_files);
  if (!log)
    return failure(std::move(log.error()));
  log_ = std::move(*log);
  for (auto& stream : streams_) {
    auto pipe = Pipe::make();
    if (!pipe)
      return failure(std::move(pipe.error()));
    stream.read_end = std::move(pipe->read_end);
    stream.write_end = std::move(pipe->write_end);
  }
  return {};
}

void Output::close_write_ends() {
  for (auto& stream : streams_)
    stream.write_end = UniqueFd{};
}

void Output::go_live() {
  // One pass over a full pipe is enough: until the container starts nobody fills it again.
  for (auto& stream : streams_)
    for (auto reads = 0; reads < reads_per_round && read_some(stream); ++reads)
      continue;
  std::string{}.swap(early_text_);
  live_ = true;
}

void Output::watch(PollSet& set) const {
  for (auto& stream : streams_)
    set.add(stream.read_end);
}

void Output::serve(const PollSet& set) {
  for (auto& stream : streams_)
    if (set.ready(stream.read_end))
      for (auto reads = 0; reads < reads_per_round && read_some(stream); ++reads)
        continue;
  flush();
  if (!streams_[0].splitter.pending() && !streams_[1].splitter.pending())
    pending_due_.reset();
  else if (!pending_due_)
    pending_due_ = Clock::now() + pending_delay;
}

bool Output::read_some(Stream& stream) {
  static char buffer[read_size];
  if (!stream.read_end)
    return false;
  auto n = retry([&] { return ::read(stream.read_end.get(), buffer, sizeof(buffer)); });
  if (n < 0 && errno == EAGAIN)
    return false;
  auto time = now();
  if (n <= 0) {
    stream.splitter.flush(time, entries_);
    stream.read_end = UniqueFd{};
    return false;
  }
  auto bytes = std::string_view{buffer, static_cast<size_t>(n)};
  if (!live_) {
    if (&stream == &streams_[1])
      append_tail(early_text_, bytes, message_limit);
    return true;
  }
  for (; !bytes.empty(); bytes.remove_prefix(std::min(slice_size, bytes.size()))) {
    stream.splitter.split(bytes.substr(0, slice_size), time, entries_);
    if (entries_.size() >= batch_size)
      flush();
  }
  return true;
}

void Output::flush() {
  if (entries_.empty())
    return;
  log_->append(entries_);
  // The memory goes back (an assignment would keep it): there may be a thousand monitors.
  std::string{}.swap(entries_);
}

void Output::write_pending() {
  auto time = now();
  for (auto& stream : streams_)
    stream.splitter.flush(time, entries_);
  flush();
  pending_due_.reset();
}

void Output::close() {
  write_pending();
  for (auto& stream : streams_)
    stream.read_end = UniqueFd{};
  log_->close();
}

} // namespace berth
