#include "apps/berth/attachment.hpp"

#include "apps/berth/oom_text.hpp"

namespace berth::cli {

bool Attachment::read(std::string_view text) {
  using Kind = StreamLine::Kind;
  auto line = read_stream_line(text);
  if (!line) {
    failure_ = line.error();
    return false;
  }
  if (raw_)
    out_.write(std::string{text} + "\n");
  switch (line->kind) {
    case Kind::unknown: break;
    case Kind::running:
      id_ = line->container.id;
      for (auto& warning : line->container.warnings)
        out_.complain("warning: " + warning);
      if (on_running)
        on_running(line->container);
      break;
    case Kind::output:
      if (!raw_ && line->from_stderr)
        out_.write_error(line->data);
      else if (!raw_)
        out_.write(line->data);
      break;
    case Kind::gap:
      out_.flush();
      out_.complain("missed output of the container: it came faster than it could be read here, and its log was rotated"
                    " (see logs.maxSize)");
      break;
    case Kind::oom: tell_of_oom(line->oom); break;
    case Kind::exited: end_ = std::move(*line); break;
  }
  return out_.error() == 0;
}

void Attachment::tell_of_oom(const EventView& oom) {
  // The end of the container itself is told when it comes.
  if (oom["scope"] != "process")
    return;
  out_.flush();
  auto event = oom;
  if (event.container.empty())
    event.container = id_;
  out_.complain(describe_oom(event));
}

std::optional<int> Attachment::conclude() {
  out_.flush();
  if (failure_) {
    out_.complain(failure_->message);
    return failure_->exit_code;
  }
  if (!end_)
    return std::nullopt;
  if (end_->exit_code)
    return *end_->exit_code & 0xFF;
  if (!end_->container.exit)
    return std::nullopt;
  if (end_->container.exit->oom_killed)
    out_.complain("container " + end_->container.id + " was killed " + oom_cause(end_->container.memory_limit));
  return exit_code(*end_->container.exit);
}

} // namespace berth::cli
