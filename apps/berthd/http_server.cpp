#include "apps/berthd/http_server.hpp"

#include "actors/log.hpp"
#include "apps/berthd/routes.hpp"

#include <exception>
#include <system_error>

namespace berth {

namespace {

/// For root, and for the group that an administrator gives the socket.
constexpr unsigned socket_mode = 0660;
/// How long the server waits with the next connection when it has no descriptor left for it.
constexpr auto accept_pause = std::chrono::milliseconds{50};

/// Tells a client that there is no room for it. Never waits: what does not fit into the socket's buffer is not sent.
void turn_away(UniqueFd socket, const EventFlag& stop) {
  auto stream = SocketStream{std::move(socket), stop};
  // What the client has sent already would, unread, make its socket fail before it has read the answer.
  auto request = std::string{};
  (void) stream.read(request, http_head_limit, SocketStream::Clock::now());
  auto body = to_wire(Error{ec::limit_reached, "connection", "berthd serves as many as it can", "try again"});
  auto head = render_answer_head(503, {{"Content-Type", "application/json"},
                                       {"Content-Length", std::to_string(body.size())},
                                       {"Retry-After", "1"},
                                       {"Connection", "close"}});
  (void) stream.write(head + body, std::chrono::milliseconds{0});
}

void join_all(std::list<std::thread> threads) {
  for (auto& thread : threads)
    thread.join();
}

} // namespace

Result<std::unique_ptr<HttpServer>> HttpServer::start(HttpServerOptions options) {
  auto stop = EventFlag::make();
  if (!stop)
    return failure(std::move(stop.error()));
  auto listener = UnixListener::bind(options.socket_path, socket_mode);
  if (!listener)
    return failure(std::move(listener.error()));
  return std::unique_ptr<HttpServer>{new HttpServer{std::move(options), std::move(*listener), std::move(*stop)}};
}

HttpServer::HttpServer(HttpServerOptions options, UnixListener listener, EventFlag stop)
  : options_(std::move(options)),
    listener_(std::make_unique<UnixListener>(std::move(listener))),
    stop_(std::move(stop)),
    acceptor_([this] { accept_connections(); }) {
  // nop
}

HttpServer::~HttpServer() {
  stop();
}

void HttpServer::stop() {
  stop_.raise();
  if (acceptor_.joinable())
    acceptor_.join();
  {
    auto guard = std::unique_lock{mutex_};
    ended_.wait(guard, [&] { return running_.empty(); });
  }
  join_all(take_finished());
  listener_.reset();
}

void HttpServer::accept_connections() {
  for (;;) {
    auto ready = wait_any({{&stop_.fd(), Interest::readable}, {&listener_->fd(), Interest::readable}}, wait_forever);
    if (ready & 1)
      return;
    auto socket = listener_->accept();
    join_all(take_finished());
    if (socket)
      take(std::move(*socket));
    else
      // Most probably a limit of descriptors. The connection stays in the queue, so waiting for it would not wait.
      (void) wait_any({{&stop_.fd(), Interest::readable}}, accept_pause);
  }
}

void HttpServer::take(UniqueFd socket) {
  auto guard = std::unique_lock{mutex_};
  if (running_.size() >= options_.max_connections) {
    guard.unlock();
    turn_away(std::move(socket), stop_);
    return;
  }
  auto self = running_.emplace(running_.end());
  try {
    // The new thread may end before its handle is stored; it waits for the mutex before it touches the list.
    *self = std::thread{[this, self, fd = socket.get()] { serve(UniqueFd{fd}, self); }};
    socket.release();
  } catch (const std::system_error& e) {
    running_.erase(self);
    guard.unlock();
    log::warn("no thread for a connection", {{"reason", e.what()}});
    turn_away(std::move(socket), stop_);
  }
}

void HttpServer::serve(UniqueFd socket, Threads::iterator self) noexcept {
  {
    auto stream = SocketStream{std::move(socket), stop_};
    try {
      serve_connection(stream, options_.patience, [&](const HttpRequest& request, HttpReply& reply) {
        answer_request(options_.api, stream, request, reply);
      });
    } catch (const std::exception& e) {
      log::error("connection failed", {{"reason", e.what()}});
    }
  }
  auto guard = std::lock_guard{mutex_};
  finished_.splice(finished_.end(), running_, self);
  ended_.notify_all();
}

HttpServer::Threads HttpServer::take_finished() {
  auto guard = std::lock_guard{mutex_};
  return std::exchange(finished_, {});
}

} // namespace berth
