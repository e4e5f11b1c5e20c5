#pragma once

#include "apps/berthd/routes.hpp"
#include "runtimes/linux/tcp_listener.hpp"
#include "runtimes/linux/unix_listener.hpp"

#include <condition_variable>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <variant>

namespace berth {

struct HttpServerOptions {
  /// Its directory exists.
  std::string socket_path;
  ApiContext api;
  /// Whoever comes when so many are there is answered with 503. Each connection has a thread of its
  /// own while it lasts.
  size_t max_connections = 512;
  HttpPatience patience;
  /// Whose members may use the socket beside root; empty: that of the process.
  std::string socket_group;
  /// Listen there, and not on a Unix socket.
  std::optional<ListenAddress> address;
  /// Answers one request; must not throw. And the longest body that it may have.
  void (*answer)(const ApiContext&, SocketStream&, const HttpRequest&, HttpReply&) = answer_request;
  size_t (*body_limit)(const HttpRequest&) = body_limit_of;
};

/// Serves HTTP: the API on a Unix socket, or a part of it over TCP. A client that is slow or gone holds nothing but the thread of its own
/// connection; without clients nothing wakes up.
class HttpServer {
public:
  /// Returns when clients can connect. Fails with `wrong_state` if somebody serves the socket
  /// already.
  static Result<std::unique_ptr<HttpServer>> start(HttpServerOptions options);

  ~HttpServer();

  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  /// Where it listens, if it does so over TCP.
  uint16_t port() const;

  /// Takes no more connections, ends those that are open, and removes the socket. Returns when no
  /// thread is left: what a client still waits for is answered with `shutting_down`. May be called
  /// more than once.
  void stop();

private:
  using Threads = std::list<std::thread>;

  using Listener = std::variant<UnixListener, TcpListener>;

  static Result<Listener> listen(const HttpServerOptions& options);

  HttpServer(HttpServerOptions options, Listener listener, EventFlag stop);

  void accept_connections();
  void take(UniqueFd socket);
  void run(UniqueFd socket, bool is_full, Threads::iterator self) noexcept;
  /// Threads that have come to their end, to be joined.
  Threads take_finished();

  HttpServerOptions options_;
  std::unique_ptr<Listener> listener_;
  EventFlag stop_;
  std::mutex mutex_;
  size_t serving_ = 0; // guarded by mutex_
  Threads running_;    // guarded by mutex_; more than `serving_` while some are turned away
  Threads finished_;   // guarded by mutex_
  std::condition_variable ended_;
  std::thread acceptor_;
};

} // namespace berth
