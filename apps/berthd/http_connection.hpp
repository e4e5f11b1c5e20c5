#pragma once

#include "apps/berthd/http_message.hpp"
#include "runtimes/linux/socket_stream.hpp"

#include <functional>

namespace berth {

/// How long a client may take. `idle` is between two requests of a connection; `head` and `body`
/// are for a whole one; `stall` is how long it may take nothing of an answer. The reader of a
/// stream has all the time it wants.
struct HttpPatience {
  std::chrono::milliseconds idle{30'000};
  std::chrono::milliseconds head{10'000};
  std::chrono::milliseconds body{30'000};
  std::chrono::milliseconds stall{30'000};
};

/// Where a request's answer goes: one whole answer, or a stream of pieces. Every function fails if
/// the client has gone or the server stops; then the rest of the answer is of interest to nobody.
class HttpReply {
public:
  /// Both outlive the reply.
  HttpReply(SocketStream& stream, const HttpRequest& request, std::chrono::milliseconds stall)
      : stream_(stream), request_(request), stall_(stall) {
    // nop
  }

  HttpReply(const HttpReply&) = delete;
  HttpReply& operator=(const HttpReply&) = delete;

  /// Sends one whole answer. To be called at most once, and not after `begin_stream`.
  Result<void> send(int status, std::string_view type, std::string_view body,
                    HttpFields extra = {});

  Result<void> send_json(int status, std::string_view body) {
    return send(status, "application/json", body);
  }

  /// Says "200 OK"; the body comes in pieces and as long as it lasts.
  Result<void> begin_stream(std::string_view type);

  /// Sends one piece of a stream at once. Nothing to send is success.
  Result<void> write(std::string_view data);

  /// Tells the client that the stream is complete.
  Result<void> end_stream();

  bool begun() const noexcept {
    return begun_;
  }

  /// `begin_stream` was called.
  bool is_stream() const noexcept {
    return streaming_;
  }

  /// That was said; 0 before that.
  int status() const noexcept {
    return status_;
  }

  /// Something could not be sent: the client has gone, or is out of time.
  bool is_broken() const noexcept {
    return broken_;
  }

  /// The connection is of no use for another request.
  bool must_close() const noexcept {
    return broken_ || !request_.keep_alive || (streaming_ && request_.old_version);
  }

private:
  Result<void> transmit(std::string_view data, std::chrono::milliseconds stall);

  SocketStream& stream_;
  const HttpRequest& request_;
  std::chrono::milliseconds stall_;
  int status_ = 0;
  bool begun_ = false;
  bool streaming_ = false;
  bool broken_ = false;
};

/// Answers one request. Must not throw.
using HttpHandler = std::function<void(const HttpRequest&, HttpReply&)>;

/// The longest body that a request may have, by its head.
using BodyLimit = std::function<size_t(const HttpRequest&)>;

/// Serves requests until the client ends the connection, is out of time or out of order, or the
/// server stops.
void serve_connection(SocketStream& stream, const HttpPatience& patience,
                      const BodyLimit& body_limit, const HttpHandler& handler);

/// Gives this answer to a client, whatever it asks for, and ends the connection. Takes a few
/// seconds at most.
void turn_away(SocketStream& stream, std::string_view answer);

/// The answer to requests that are refused as HTTP, with its body.
std::string render_refusal(const HttpRefusal& refusal);

} // namespace berth
