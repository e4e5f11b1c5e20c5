#include "tests/support/http.hpp"

#include "tests/support/eventually.hpp"

#include <cstring>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

using namespace std::chrono_literals;

namespace berth::test {

namespace {

using Clock = std::chrono::steady_clock;

bool wait_for(int fd, short events, Clock::time_point end) {
  auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now()).count();
  auto item = pollfd{fd, events, 0};
  return ::poll(&item, 1, static_cast<int>(std::max<long>(left, 0))) == 1;
}

std::string unchunked(const std::string& body) {
  auto result = std::string{};
  for (size_t at = 0; at < body.size();) {
    auto end = body.find("\r\n", at);
    if (end == std::string::npos)
      break;
    auto size = std::strtoul(body.substr(at, end - at).c_str(), nullptr, 16);
    if (size == 0)
      break;
    result += body.substr(end + 2, size);
    at = end + 2 + size + 2;
  }
  return result;
}

} // namespace

RawConnection::RawConnection(const std::string& socket_path) {
  auto address = sockaddr_un{};
  address.sun_family = AF_UNIX;
  if (socket_path.size() >= sizeof(address.sun_path))
    return;
  std::memcpy(address.sun_path, socket_path.data(), socket_path.size());
  auto fd = UniqueFd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0)
    return;
  ::fcntl(fd.get(), F_SETFL, O_NONBLOCK);
  fd_ = std::move(fd);
}

bool RawConnection::send(std::string_view bytes, std::chrono::milliseconds limit) {
  auto end = Clock::now() + stretched(limit);
  while (!bytes.empty()) {
    auto n = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n > 0)
      bytes.remove_prefix(static_cast<size_t>(n));
    else if (errno != EAGAIN || !wait_for(fd_.get(), POLLOUT, end))
      return false;
  }
  return true;
}

void RawConnection::end_sending() {
  ::shutdown(fd_.get(), SHUT_WR);
}

RawConnection::Arrived RawConnection::read_some(std::chrono::milliseconds limit) {
  if (!fd_)
    return Arrived::end;
  if (!wait_for(fd_.get(), POLLIN, Clock::now() + limit))
    return Arrived::nothing;
  char buffer[64 * 1024];
  auto n = ::recv(fd_.get(), buffer, sizeof(buffer), 0);
  if (n > 0) {
    received_.append(buffer, static_cast<size_t>(n));
    return Arrived::bytes;
  }
  return n < 0 && errno == EAGAIN ? Arrived::nothing : Arrived::end;
}

const std::string& RawConnection::read_until(const std::function<bool(std::string_view)>& enough,
                                             std::chrono::milliseconds limit) {
  auto end = Clock::now() + stretched(limit);
  while (!enough(received_) && Clock::now() < end)
    if (read_some(10ms) == Arrived::end)
      break;
  return received_;
}

bool RawConnection::read_to_end(std::chrono::milliseconds limit) {
  auto end = Clock::now() + stretched(limit);
  while (Clock::now() < end)
    if (read_some(100ms) == Arrived::end)
      return true;
  return false;
}

HttpAnswer parse_answer(const std::string& received) {
  auto result = HttpAnswer{};
  auto end = received.find("\r\n\r\n");
  if (!received.starts_with("HTTP/1.1 ") || end == std::string::npos)
    return result;
  result.status = std::atoi(received.c_str() + std::strlen("HTTP/1.1 "));
  result.head = received.substr(0, end + 2);
  result.body = received.substr(end + 4);
  auto head = result.head;
  for (auto& c : head)
    c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (head.find("\r\ntransfer-encoding: chunked\r\n") != std::string::npos)
    result.body = unchunked(result.body);
  return result;
}

std::string http_request(const std::string& method, const std::string& target, const std::string& body) {
  auto text = method + " " + target + " HTTP/1.1\r\nHost: berth\r\nConnection: close\r\n";
  if (!body.empty() || method == "POST")
    text += "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
  return text + "\r\n" + body;
}

HttpAnswer http(const std::string& socket_path, const std::string& method, const std::string& target,
                const std::string& body, std::chrono::milliseconds limit) {
  auto connection = RawConnection{socket_path};
  if (!connection.is_open() || !connection.send(http_request(method, target, body)))
    return {};
  connection.read_to_end(limit);
  return parse_answer(connection.received());
}

} // namespace berth::test
