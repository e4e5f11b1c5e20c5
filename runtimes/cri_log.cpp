#include "runtimes/cri_log.hpp"

#include "runtimes/timestamp.hpp"

namespace berth {

namespace {

/// Takes the part before the next space off the front of `text`; empty if there is none.
std::string_view take_word(std::string_view& text) {
  auto space = text.find(' ');
  if (space == std::string_view::npos)
    return {};
  auto word = text.substr(0, space);
  text.remove_prefix(space + 1);
  return word;
}

tl::unexpected<Error> bad_line(const char* why) {
  return failure(ec::bad_request, "log line", why);
}

} // namespace

const char* to_string(LogStream stream) {
  switch (stream) {
    case LogStream::out: return "stdout";
    case LogStream::err: return "stderr";
  }
  return "?";
}

void CriLogSplitter::split(std::string_view bytes, Timestamp at, std::string& out) {
  auto head = to_string(at) + ' ' + to_string(stream_);
  auto entry = [&](char tag, std::string_view text) {
    out += head;
    out += ' ';
    out += tag;
    out += ' ';
    out += kept_;
    out += text;
    out += '\n';
    kept_.clear();
  };
  while (!bytes.empty()) {
    auto room = cri_text_limit - kept_.size();
    auto newline = bytes.substr(0, room + 1).find('\n');
    if (newline != std::string_view::npos) {
      entry('F', bytes.substr(0, newline));
      bytes.remove_prefix(newline + 1);
    } else if (bytes.size() > room) {
      entry('P', bytes.substr(0, room));
      bytes.remove_prefix(room);
    } else {
      kept_ += bytes;
      return;
    }
  }
}

void CriLogSplitter::flush(Timestamp at, std::string& out) {
  if (kept_.empty())
    return;
  out += to_string(at) + ' ' + to_string(stream_) + " P " + kept_ + '\n';
  kept_.clear();
}

Result<CriLogEntry> parse_cri_log_line(std::string_view line) {
  auto result = CriLogEntry{};
  auto time = parse_timestamp(take_word(line));
  if (!time)
    return bad_line("does not begin with a time");
  result.time = *time;
  auto stream = take_word(line);
  if (stream == "stderr")
    result.stream = LogStream::err;
  else if (stream != "stdout")
    return bad_line("names no stream");
  // Tags may be joined by colons in later versions of the format; the first one is this one.
  auto tags = take_word(line);
  auto tag = tags.substr(0, tags.find(':'));
  if (tag == "P")
    result.partial = true;
  else if (tag != "F")
    return bad_line("has no tag");
  result.text = line;
  return result;
}

} // namespace berth
