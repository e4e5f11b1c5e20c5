#include "tests/support/scripted_daemon.hpp"

#include <cstdio>
#include <stdexcept>

namespace berth::test {

namespace {

using namespace std::chrono_literals;

constexpr auto read_limit = 20s;

template <class T>
T take(Result<T> result) {
  if (!result)
    throw std::runtime_error(render(result.error()));
  return std::move(*result);
}

/// Reads one request with the framing that the command uses: a body of known length or none.
bool read_request(SocketStream& stream, Asked& asked) {
  auto text = std::string{};
  auto deadline = SocketStream::Clock::now() + read_limit;
  auto read_more = [&] {
    auto n = stream.read(text, 4096, deadline);
    return n && *n > 0;
  };
  while (text.find("\r\n\r\n") == std::string::npos)
    if (!read_more())
      return false;
  auto head = text.substr(0, text.find("\r\n\r\n") + 4);
  auto first_blank = head.find(' ');
  auto second_blank = head.find(' ', first_blank + 1);
  asked.method = head.substr(0, first_blank);
  asked.target = head.substr(first_blank + 1, second_blank - first_blank - 1);
  auto length = size_t{0};
  if (auto field = head.find("Content-Length: "); field != std::string::npos)
    length = std::stoul(head.substr(field + 16));
  while (text.size() < head.size() + length)
    if (!read_more())
      return false;
  asked.body = text.substr(head.size(), length);
  return true;
}

} // namespace

void Conversation::answer(int status, const std::string& json) {
  send("HTTP/1.1 " + std::to_string(status) + " X\r\nContent-Type: application/json\r\nContent-Length: "
       + std::to_string(json.size()) + "\r\n\r\n" + json);
}

void Conversation::begin_lines() {
  send("HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n");
}

void Conversation::line(const std::string& json) {
  char size[32];
  std::snprintf(size, sizeof(size), "%zx\r\n", json.size() + 1);
  send(size + json + "\n\r\n");
}

void Conversation::end_lines() {
  send("0\r\n\r\n");
}

void Conversation::wait_for_hangup() {
  // The command sends nothing after its request: all that can come is the end.
  auto ignored = std::string{};
  (void)stream_.read(ignored, 1, SocketStream::Clock::now() + 60s);
}

ScriptedDaemon::ScriptedDaemon(Script script)
  : script_(std::move(script)),
    stop_(take(EventFlag::make())),
    listener_(take(UnixListener::bind(dir_ / "berth.sock", 0600))),
    thread_([this] { listen(); }) {
  // nop
}

ScriptedDaemon::~ScriptedDaemon() {
  stop_.raise();
  thread_.join();
  for (auto& connection : connections_)
    connection.join();
}

void ScriptedDaemon::listen() {
  while (!stop_.raised()) {
    wait_any({{&listener_.fd(), Interest::readable}, {&stop_.fd(), Interest::readable}}, wait_forever);
    if (auto fd = listener_.accept())
      connections_.emplace_back([this, fd = std::make_shared<UniqueFd>(std::move(*fd))] { serve(std::move(*fd)); });
  }
}

void ScriptedDaemon::serve(UniqueFd fd) {
  auto stream = SocketStream{std::move(fd), stop_};
  auto asked = Asked{};
  if (!read_request(stream, asked))
    return;
  {
    auto guard = std::lock_guard{mutex_};
    asked_.push_back(asked);
  }
  auto conversation = Conversation{stream};
  script_(asked, conversation);
}

std::vector<std::string> ScriptedDaemon::command(const std::vector<std::string>& args) const {
  auto result = std::vector<std::string>{BERTH_BIN_DIR "/berth", "--host", "unix://" + socket_path()};
  result.insert(result.end(), args.begin(), args.end());
  return result;
}

std::vector<Asked> ScriptedDaemon::asked() const {
  auto guard = std::lock_guard{mutex_};
  return asked_;
}

std::vector<Asked> ScriptedDaemon::asked(const std::string& method, const std::string& target) const {
  auto result = std::vector<Asked>{};
  for (auto& request : asked())
    if (request.method == method && request.target.starts_with(target))
      result.push_back(request);
  return result;
}

} // namespace berth::test
