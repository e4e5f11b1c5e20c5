#include "apps/berthd/http_connection.hpp"

#include "apps/api/wire.hpp"

#include <algorithm>

namespace berth {

namespace {

using Clock = SocketStream::Clock;

constexpr size_t read_size = 16 * 1024;
/// What is read and thrown away of a request that was refused, so that its client comes to read the
/// answer.
constexpr size_t discard_limit = 64 * http_body_limit;
constexpr auto discard_time = std::chrono::seconds{2};

/// A request, or why it is refused. Nothing: the connection is over, and nobody waits for an
/// answer.
using Incoming = std::optional<tl::expected<HttpRequest, HttpRefusal>>;

Incoming refuse(int status, std::string reason) {
  return tl::unexpected<HttpRefusal>{HttpRefusal{status, std::move(reason)}};
}

/// Takes the next request off the connection; `buffer` keeps what comes behind it.
Incoming receive(SocketStream& stream, std::string& buffer, const HttpPatience& patience,
                 const BodyLimit& body_limit) {
  if (buffer.empty())
    if (auto n = stream.read(buffer, read_size, Clock::now() + patience.idle); !n || *n == 0)
      return std::nullopt;
  auto deadline = Clock::now() + patience.head;
  auto head_end = find_head_end(buffer);
  while (!head_end && buffer.size() <= http_head_limit) {
    auto n = stream.read(buffer, read_size, deadline);
    if (!n && n.error().code == ec::deadline_exceeded)
      return refuse(408, "the head of the request did not come in time");
    if (!n || *n == 0)
      return std::nullopt;
    head_end = find_head_end(buffer);
  }
  if (!head_end || *head_end > http_head_limit)
    return refuse(431, "the head of the request is longer than " + std::to_string(http_head_limit)
                           + " bytes");
  auto request = parse_request_head(std::string_view{buffer}.substr(0, *head_end));
  if (!request)
    return request;
  if (auto objection = objection_to_length(*request, body_limit(*request)))
    return tl::unexpected{std::move(*objection)};
  buffer.erase(0, *head_end);
  if (request->expects_continue && buffer.empty())
    if (!stream.write(continue_answer, patience.stall))
      return std::nullopt;
  deadline = Clock::now() + patience.body;
  while (buffer.size() < request->content_length) {
    auto n = stream.read(buffer, read_size, deadline);
    if (!n && n.error().code == ec::deadline_exceeded)
      return refuse(408, "the body of the request did not come in time");
    if (!n || *n == 0)
      return std::nullopt;
  }
  request->body = buffer.substr(0, request->content_length);
  buffer.erase(0, request->content_length);
  return request;
}

/// Closing a socket with unread bytes in it would make the client's next write fail, before it has
/// read the answer.
void discard_rest(SocketStream& stream) {
  stream.end();
  auto rest = std::string{};
  auto deadline = Clock::now() + discard_time;
  for (size_t discarded = 0; discarded < discard_limit; discarded += rest.size()) {
    rest.clear();
    if (auto n = stream.read(rest, read_size, deadline); !n || *n == 0)
      return;
  }
}

} // namespace

std::string render_refusal(const HttpRefusal& refusal) {
  auto body = to_wire(Error{ec::bad_request, "HTTP request", refusal.reason, {}});
  return render_answer_head(refusal.status, {{"Content-Type", "application/json"},
                                             {"Content-Length", std::to_string(body.size())},
                                             {"Connection", "close"}})
         + body;
}

Result<void> HttpReply::transmit(std::string_view data, std::chrono::milliseconds stall) {
  auto sent = stream_.write(data, stall);
  if (!sent)
    broken_ = true;
  return sent;
}

Result<void> HttpReply::send(int status, std::string_view type, std::string_view body,
                             HttpFields extra) {
  begun_ = true;
  status_ = status;
  auto fields = std::move(extra);
  if (!type.empty())
    fields.emplace_back("Content-Type", type);
  if (status != 204)
    fields.emplace_back("Content-Length", std::to_string(body.size()));
  fields.emplace_back("Connection", must_close() ? "close" : "keep-alive");
  return transmit(render_answer_head(status, fields).append(body), stall_);
}

Result<void> HttpReply::begin_stream(std::string_view type) {
  begun_ = true;
  status_ = 200;
  streaming_ = true;
  auto fields = HttpFields{{"Content-Type", std::string{type}}, {"Cache-Control", "no-store"}};
  if (!request_.old_version)
    fields.emplace_back("Transfer-Encoding", "chunked");
  fields.emplace_back("Connection", must_close() ? "close" : "keep-alive");
  return transmit(render_answer_head(200, fields), wait_forever);
}

Result<void> HttpReply::write(std::string_view data) {
  if (data.empty())
    return {};
  if (request_.old_version)
    return transmit(data, wait_forever);
  return transmit(render_chunk(data), wait_forever);
}

Result<void> HttpReply::end_stream() {
  if (request_.old_version)
    return {};
  return transmit(last_chunk, stall_);
}

void turn_away(SocketStream& stream, std::string_view answer) {
  auto request = std::string{};
  if (auto n = stream.read(request, read_size, Clock::now() + discard_time); !n || *n == 0)
    return;
  if (stream.write(answer, discard_time))
    discard_rest(stream);
}

void serve_connection(SocketStream& stream, const HttpPatience& patience,
                      const BodyLimit& body_limit, const HttpHandler& handler) {
  auto buffer = std::string{};
  while (!stream.stop().raised()) {
    auto request = receive(stream, buffer, patience, body_limit);
    if (!request)
      return;
    if (!*request) {
      if (stream.write(render_refusal(request->error()), patience.stall))
        discard_rest(stream);
      return;
    }
    auto reply = HttpReply{stream, **request, patience.stall};
    handler(**request, reply);
    if (reply.must_close())
      return;
  }
}

} // namespace berth
