#include "apps/berth/client.hpp"

#include "apps/berth/line_splitter.hpp"
#include "apps/berth/views.hpp"
#include "messages/cause.hpp"
#include "runtimes/linux/socket_stream.hpp"
#include "runtimes/linux/unix_listener.hpp"

#include <cerrno>
#include <system_error>
#include <thread>

namespace berth::cli {

namespace {

using Clock = SocketStream::Clock;

/// How long the daemon may take to accept nothing of a request.
constexpr auto write_stall = std::chrono::seconds{60};

/// Bytes that are read at a time.
constexpr auto read_size = size_t{64 * 1024};

/// An explanation of a failure is short; more than this is none.
constexpr auto max_failure_body = size_t{1} << 20;

std::string reason_of(int error) {
  return std::system_category().message(error);
}

/// The beginning of a trace that is wanted: W3C Trace Context has no other way to ask for one.
std::string trace_header() {
  return "traceparent: " + to_traceparent({make_trace_id(), make_span_id(), true}) + "\r\n";
}

std::string to_request(const char* method, const std::string& target, const std::string* body, bool is_traced) {
  auto text = std::string{method} + " " + target + " HTTP/1.1\r\nHost: berth\r\nUser-Agent: berth/" BERTH_VERSION
                                                   "\r\nConnection: close\r\n";
  if (body != nullptr)
    text += "Content-Type: application/json\r\nContent-Length: " + std::to_string(body->size()) + "\r\n";
  if (is_traced)
    text += trace_header();
  text += "\r\n";
  return body == nullptr ? text : text + *body;
}

Failure not_http() {
  return {"bad_answer", "what answers is no HTTP server (is this the socket of berthd?)"};
}

Failure silent(std::chrono::milliseconds limit) {
  return {"connection_lost",
          "nothing came from berthd for " + std::to_string(limit.count() / 1000) + " s; does it still work?"};
}

} // namespace

std::string encode_component(std::string_view text) {
  constexpr auto digits = "0123456789ABCDEF";
  auto is_safe = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_'
           || c == '.' || c == '~';
  };
  auto result = std::string{};
  for (auto c : text) {
    if (is_safe(c)) {
      result += c;
    } else {
      auto byte = static_cast<unsigned char>(c);
      result += '%';
      result += digits[byte >> 4];
      result += digits[byte & 0xF];
    }
  }
  return result;
}

Target Target::container(std::string_view id, std::string_view verb) {
  auto path = "/v1/containers/" + encode_component(id);
  if (!verb.empty())
    path += "/" + std::string{verb};
  return Target{path};
}

Target& Target::with(std::string_view key, std::string_view value) {
  text_ += has_query_ ? '&' : '?';
  has_query_ = true;
  text_ += std::string{key} + "=" + encode_component(value);
  return *this;
}

Target& Target::with_any(std::string_view key, std::string_view value) {
  return value.empty() ? *this : with(key, value);
}

Client::Client(std::string socket_path, std::string start_hint)
  : socket_path_(std::move(socket_path)), start_hint_(std::move(start_hint)) {
  // nop
}

std::string Client::address() const {
  return "unix://" + socket_path_;
}

Client Client::traced(bool is_traced) const {
  auto result = *this;
  result.is_traced_ = is_traced;
  return result;
}

Failure Client::unreachable(const std::string& reason) const {
  auto message = "cannot reach berthd at " + address() + ": " + reason;
  if (reason == reason_of(EACCES) || reason == reason_of(EPERM))
    message += "; run this as root or as a member of the socket's group";
  else if (reason == reason_of(EAGAIN))
    message += "; it has more requests than it can take, try again";
  else
    message += "; is it running? " + start_hint_;
  return {"unreachable", message};
}

Answer<UniqueFd> Client::connect() const {
  auto deadline = Clock::now() + busy_limit;
  auto pause = std::chrono::milliseconds{1};
  for (;;) {
    auto fd = connect_unix(socket_path_);
    if (fd)
      return std::move(*fd);
    if (fd.error().reason != reason_of(EAGAIN) || Clock::now() >= deadline)
      return tl::unexpected{unreachable(fd.error().reason)};
    // The kernel does not tell when there is a place in the queue of a listening socket.
    std::this_thread::sleep_for(pause);
    pause = std::min(pause * 2, std::chrono::milliseconds{50});
  }
}

/// Sends a request and passes on what comes back: up to the end of the answer, or until `on_body` or `on_pause` want no
/// more, or patience is over.
Answer<void> Client::talk(const Call& call, HttpAnswer& answer, const HttpAnswer::OnBody& on_body,
                          const std::function<bool()>& on_pause) const {
  auto fd = connect();
  if (!fd)
    return tl::unexpected{fd.error()};
  auto never = EventFlag::make();
  if (!never)
    return fail("internal", render(never.error()));
  auto connection = SocketStream{std::move(*fd), *never};
  auto answer_deadline = Clock::now() + call.patience;
  // A daemon that refuses a request may stop reading it: what counts is what it answers.
  auto written = connection.write(to_request(call.method, call.target, call.body, is_traced_), write_stall);
  auto buffer = std::string{};
  while (!answer.is_complete()) {
    buffer.clear();
    auto size =
      connection.read(buffer, read_size, answer.status() == 0 ? answer_deadline : Clock::now() + silence_limit);
    if (!size && size.error().code == ec::deadline_exceeded)
      return tl::unexpected{silent(answer.status() == 0 ? call.patience : silence_limit)};
    if (size && *size > 0) {
      auto go_on = answer.feed(buffer, on_body);
      if (answer.is_broken())
        return tl::unexpected{not_http()};
      if (!on_pause() || !go_on)
        return {};
      continue;
    }
    answer.end();
    if (answer.is_complete())
      break;
    return fail("connection_lost", answer.status() == 0 ? "lost the connection to berthd before it answered"
                                                        : "lost the connection to berthd");
  }
  return {};
}

Answer<std::string> Client::exchange(const Call& call) const {
  auto answer = HttpAnswer{};
  auto body = std::string{};
  auto keep = [&](std::string_view piece) {
    body += piece;
    return true;
  };
  auto ok = talk(call, answer, keep, [] { return true; });
  if (!ok)
    return tl::unexpected{ok.error()};
  if (!answer.is_good())
    return tl::unexpected{read_failure(answer.status(), body)};
  return body;
}

Answer<void> Client::stream(const Call& call, const LineReader& reader) const {
  auto answer = HttpAnswer{};
  auto lines = LineSplitter{};
  auto failure_body = std::string{};
  auto receive = [&](std::string_view piece) {
    if (answer.is_good())
      return lines.feed(piece, reader.on_line);
    failure_body += piece;
    return failure_body.size() <= max_failure_body;
  };
  auto ok = talk(call, answer, receive, reader.on_pause);
  if (!ok)
    return ok;
  if (!answer.is_good())
    return tl::unexpected{read_failure(answer.status(), failure_body)};
  if (lines.overflowed())
    return fail("bad_answer", "a line of the daemon's answer is too long (is this the socket of berthd?)");
  if (answer.is_complete() && lines.has_rest())
    return fail("connection_lost", "the daemon's answer ended in the middle of a line");
  return {};
}

Answer<std::string> Client::get(const Target& target, std::chrono::seconds patience) const {
  return exchange({"GET", target.text(), nullptr, patience});
}

Answer<std::string> Client::post(const Target& target, const std::string& body, std::chrono::seconds patience) const {
  return exchange({"POST", target.text(), &body, patience});
}

Answer<std::string> Client::put(const Target& target, const std::string& body, std::chrono::seconds patience) const {
  return exchange({"PUT", target.text(), &body, patience});
}

Answer<std::string> Client::remove(const Target& target, std::chrono::seconds patience) const {
  return exchange({"DELETE", target.text(), nullptr, patience});
}

Answer<void> Client::stream_get(const Target& target, const LineReader& reader, std::chrono::seconds patience) const {
  return stream({"GET", target.text(), nullptr, patience}, reader);
}

Answer<void> Client::stream_post(const Target& target, const std::string& body, const LineReader& reader,
                                 std::chrono::seconds patience) const {
  return stream({"POST", target.text(), &body, patience}, reader);
}

} // namespace berth::cli
