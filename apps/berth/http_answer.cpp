#include "apps/berth/http_answer.hpp"

#include <algorithm>
#include <charconv>

namespace berth::cli {

namespace {

std::string lower(std::string_view text) {
  auto result = std::string{text};
  std::transform(text.begin(), text.end(), result.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return result;
}

std::string_view trim(std::string_view text) {
  auto first = text.find_first_not_of(" \t");
  return first == std::string_view::npos ? std::string_view{}
                                         : text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

bool parse_number(std::string_view text, int base, uint64_t& result) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), result, base);
  return !text.empty() && error == std::errc{} && end == text.data() + text.size();
}

} // namespace

bool HttpAnswer::takes_lines() const {
  return state_ == State::head || state_ == State::chunk_size || state_ == State::chunk_end || state_ == State::trailer;
}

bool HttpAnswer::feed(std::string_view bytes, const OnBody& on_body) {
  while (!bytes.empty() && !is_complete() && !is_broken()) {
    if (takes_lines()) {
      auto end = bytes.find('\n');
      line_ += bytes.substr(0, end);
      bytes.remove_prefix(end == std::string_view::npos ? bytes.size() : end + 1);
      if (head_bytes_ + line_.size() > max_head)
        state_ = State::broken;
      if (end == std::string_view::npos)
        continue;
      head_bytes_ += line_.size();
      auto line = std::move(line_);
      line_.clear();
      if (line.ends_with('\r'))
        line.pop_back();
      take_line(line);
      continue;
    }
    auto is_endless = state_ == State::endless_body;
    auto size = is_endless ? bytes.size() : static_cast<size_t>(std::min<uint64_t>(bytes.size(), left_));
    auto piece = bytes.substr(0, size);
    bytes.remove_prefix(size);
    if (!is_endless)
      left_ -= size;
    if (!is_endless && left_ == 0)
      state_ = state_ == State::chunk_data ? State::chunk_end : State::complete;
    if (!on_body(piece))
      return false;
  }
  return !is_broken();
}

void HttpAnswer::end() {
  if (state_ == State::endless_body)
    state_ = State::complete;
}

void HttpAnswer::take_line(std::string_view line) {
  switch (state_) {
    case State::head:
      if (!has_status_line_)
        take_status(line);
      else if (line.empty())
        end_head();
      else
        take_field(line);
      break;
    case State::chunk_size: take_chunk_size(line); break;
    case State::chunk_end: state_ = line.empty() ? State::chunk_size : State::broken; break;
    case State::trailer:
      if (line.empty())
        state_ = State::complete;
      break;
    case State::counted_body:
    case State::chunk_data:
    case State::endless_body:
    case State::complete:
    case State::broken: break;
  }
}

void HttpAnswer::take_status(std::string_view line) {
  // "HTTP/1.1 200 OK"
  constexpr auto prefix = std::string_view{"HTTP/1."};
  auto code = uint64_t{0};
  auto is_valid = line.starts_with(prefix) && line.size() >= prefix.size() + 5 && line[prefix.size() + 1] == ' '
                  && parse_number(line.substr(prefix.size() + 2, 3), 10, code) && code >= 100
                  && (line.size() == prefix.size() + 5 || line[prefix.size() + 5] == ' ');
  has_status_line_ = true;
  next_status_ = static_cast<int>(code);
  if (!is_valid)
    state_ = State::broken;
}

void HttpAnswer::take_field(std::string_view line) {
  auto colon = line.find(':');
  if (colon == std::string_view::npos) {
    state_ = State::broken;
    return;
  }
  auto name = lower(line.substr(0, colon));
  auto value = trim(line.substr(colon + 1));
  if (name == "transfer-encoding") {
    is_chunked_ = lower(value) == "chunked";
    if (!is_chunked_)
      state_ = State::broken;
  } else if (name == "content-length") {
    is_counted_ = parse_number(value, 10, left_);
    if (!is_counted_)
      state_ = State::broken;
  }
}

void HttpAnswer::end_head() {
  head_bytes_ = 0;
  if (next_status_ < 200) {
    // An interim answer such as "100 Continue"; the real one follows.
    has_status_line_ = false;
    return;
  }
  status_ = next_status_;
  if (status_ == 204 || status_ == 304)
    state_ = State::complete;
  else if (is_chunked_)
    state_ = State::chunk_size;
  else if (!is_counted_)
    state_ = State::endless_body;
  else
    state_ = left_ == 0 ? State::complete : State::counted_body;
}

void HttpAnswer::take_chunk_size(std::string_view line) {
  head_bytes_ = 0;
  // What follows a semicolon are extensions that nobody has defined.
  if (!parse_number(trim(line.substr(0, line.find(';'))), 16, left_))
    state_ = State::broken;
  else
    state_ = left_ == 0 ? State::trailer : State::chunk_data;
}

} // namespace berth::cli
