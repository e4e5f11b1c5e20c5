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

/// How many clients are turned away at the same time, each in a thread: whoever has not read our
/// answer while its request is on the way would see a broken connection instead. Beyond that, that
/// is what they see.
constexpr size_t most_turned_away = 64;

std::string render_busy() {
  auto body = to_wire(
      Error{ec::limit_reached, "connection", "berthd serves as many as it can", "try again"});
  return render_answer_head(503, {{"Content-Type", "application/json"},
                                  {"Content-Length", std::to_string(body.size())},
                                  {"Retry-After", "1"},
                                  {"Connection", "close"}})
         + body;
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
  auto listener = listen(options);
  if (!listener)
    return failure(std::move(listener.error()));
  return std::unique_ptr<HttpServer>{
      new HttpServer{std::move(options), std::move(*listener), std::move(*stop)}};
}

Result<HttpServer::Listener> HttpServer::listen(const HttpServerOptions& options) {
  auto wrap = [](auto listener) { return Listener{std::move(listener)}; };
  if (options.address)
    return TcpListener::bind(*options.address).map(wrap);
  return UnixListener::bind(options.socket_path, socket_mode, options.socket_group).map(wrap);
}

uint16_t HttpServer::port() const {
  auto* listener = listener_ ? std::get_if<TcpListener>(listener_.get()) : nullptr;
  return listener == nullptr ? 0 : listener->port();
}

HttpServer::HttpServer(HttpServerOptions options, Listener listener, EventFlag stop)
    : options_(std::move(options)),
      listener_(std::make_unique<Listener>(std::move(listener))),
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
  auto about = log::ThreadContext{{"api", {}, {}, {}}};
  const auto& listening = std::visit([](const auto& x) -> const UniqueFd& { return x.fd(); }, *listener_);
  for (;;) {
    auto ready = wait_any({{&stop_.fd(), Interest::readable}, {&listening, Interest::readable}}, wait_forever);
    if (ready & 1)
      return;
    auto socket = std::visit([](const auto& x) { return x.accept(); }, *listener_);
    join_all(take_finished());
    if (socket)
      take(std::move(*socket));
    else
      // Most probably a limit of descriptors. The connection stays in the queue, so waiting for it
      // would not wait.
      (void)wait_any({{&stop_.fd(), Interest::readable}}, accept_pause);
  }
}

void HttpServer::take(UniqueFd socket) {
  auto guard = std::lock_guard{mutex_};
  auto is_full = serving_ >= options_.max_connections;
  if (running_.size() - serving_ >= most_turned_away && is_full)
    return;
  auto self = running_.emplace(running_.end());
  try {
    // The new thread may end before its handle is stored; it waits for the mutex before it touches
    // the list.
    *self = std::thread{[this, self, is_full, fd = socket.get()] {
      run(UniqueFd{fd}, is_full, self);
    }};
    socket.release();
    serving_ += is_full ? 0 : 1;
  } catch (const std::system_error& e) {
    running_.erase(self);
    log::warn("no thread for a connection", {{"reason", e.what()}});
  }
}

void HttpServer::run(UniqueFd socket, bool is_full, Threads::iterator self) noexcept {
  auto about = log::ThreadContext{{"api", {}, {}, {}}};
  try {
    auto stream = SocketStream{std::move(socket), stop_};
    if (is_full)
      turn_away(stream, render_busy());
    else
      serve_connection(stream, options_.patience, options_.body_limit,
                       [&](const HttpRequest& request, HttpReply& reply) {
                         options_.answer(options_.api, stream, request, reply);
                       });
  } catch (const std::exception& e) {
    log::error("connection failed", {{"reason", e.what()}});
  }
  auto guard = std::lock_guard{mutex_};
  serving_ -= is_full ? 0 : 1;
  finished_.splice(finished_.end(), running_, self);
  ended_.notify_all();
}

HttpServer::Threads HttpServer::take_finished() {
  auto guard = std::lock_guard{mutex_};
  return std::exchange(finished_, {});
}

} // namespace berth
