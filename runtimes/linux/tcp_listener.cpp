#include "runtimes/linux/tcp_listener.hpp"

#include "runtimes/linux/retry.hpp"
#include "runtimes/linux/sys_error.hpp"

#include <memory>

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace berth {

namespace {

constexpr int longest_queue = 64;

struct FreeAddresses {
  void operator()(addrinfo* list) const {
    ::freeaddrinfo(list);
  }
};

Result<uint16_t> port_of(const UniqueFd& fd, const std::string& what) {
  auto address = sockaddr_storage{};
  auto size = socklen_t{sizeof(address)};
  if (::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size) < 0)
    return failure(sys_error("getsockname", what));
  // The port is at the same place in both families.
  return ntohs(reinterpret_cast<const sockaddr_in*>(&address)->sin_port);
}

} // namespace

Result<TcpListener> TcpListener::bind(const ListenAddress& address) {
  auto what = address.host + " port " + std::to_string(address.port);
  auto hints = addrinfo{};
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE;
  hints.ai_socktype = SOCK_STREAM;
  auto* list = static_cast<addrinfo*>(nullptr);
  if (auto code = ::getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &hints, &list); code != 0)
    return failure(ec::bad_request, "address " + what, ::gai_strerror(code), "write an IP address of this host");
  auto found = std::unique_ptr<addrinfo, FreeAddresses>{list};
  auto fd = UniqueFd{::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (!fd)
    return failure(sys_error("socket", what));
  // Connections of an earlier process that are still closing do not keep the address from the next one.
  auto yes = 1;
  if (::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) < 0)
    return failure(sys_error("setsockopt", what));
  if (::bind(fd.get(), found->ai_addr, found->ai_addrlen) < 0)
    return failure(sys_error("bind", what));
  if (::listen(fd.get(), longest_queue) < 0)
    return failure(sys_error("listen", what));
  auto port = port_of(fd, what);
  if (!port)
    return failure(std::move(port.error()));
  return TcpListener{std::move(fd), *port};
}

Result<UniqueFd> TcpListener::accept() const {
  auto fd = UniqueFd{retry([&] { return ::accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK); })};
  if (!fd)
    return failure(sys_error("accept"));
  return fd;
}

} // namespace berth
