#include "config/listen_address.hpp"

#include "config/quantity.hpp"
#include "config/spelling.hpp"

#include <algorithm>

namespace berth {

namespace {

constexpr auto next = "write an IP address and a port, such as 127.0.0.1:9477 or [::1]:9477";

bool is_ipv4(std::string_view text) {
  for (auto part = 0; part < 4; ++part) {
    auto dot = text.find('.');
    if ((dot == std::string_view::npos) != (part == 3))
      return false;
    auto number = parse_count(text.substr(0, dot));
    if (!number || *number > 255)
      return false;
    text.remove_prefix(part == 3 ? text.size() : dot + 1);
  }
  return true;
}

/// Only its form: the kernel knows the rest.
bool looks_like_ipv6(std::string_view text) {
  return std::count(text.begin(), text.end(), ':') >= 2 && text.find_first_not_of("0123456789abcdefABCDEF:.") == std::string_view::npos;
}

} // namespace

Result<ListenAddress> parse_listen_address(std::string_view text) {
  auto bad = [&](const char* reason) { return failure(ec::bad_request, in_quotes(text), reason, next); };
  auto colon = text.rfind(':');
  if (colon == std::string_view::npos)
    return bad("no address with a port");
  auto host = text.substr(0, colon);
  auto is_bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (is_bracketed)
    host = host.substr(1, host.size() - 2);
  if (is_bracketed ? !looks_like_ipv6(host) : !is_ipv4(host))
    return bad("not the address of an interface");
  auto port = parse_count(text.substr(colon + 1));
  if (!port || *port > 65535)
    return bad("without a port from 0 to 65535");
  return ListenAddress{std::string{host}, static_cast<uint16_t>(*port)};
}

} // namespace berth
