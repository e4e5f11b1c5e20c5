#include "runtimes/linux/http_post.hpp"

#include <httplib.h>

namespace berth {

Result<void> http_post(const std::string& url, const std::string& type, const std::string& body,
                       std::chrono::milliseconds deadline) {
  auto scheme_end = url.find("://");
  auto path_begin = scheme_end == std::string::npos ? scheme_end : url.find('/', scheme_end + 3);
  if (scheme_end == std::string::npos)
    return failure(ec::bad_request, "address \"" + url + "\"", "it has no scheme", "write http://HOST:PORT");
  auto path = path_begin == std::string::npos ? std::string{"/"} : url.substr(path_begin);
  auto client = httplib::Client{url.substr(0, path_begin)};
  client.set_connection_timeout(deadline / 3);
  client.set_read_timeout(deadline / 3);
  client.set_write_timeout(deadline / 3);
  auto answer = client.Post(path, body, type.c_str());
  if (!answer)
    return failure(ec::system_error, "POST " + url, "no answer: " + httplib::to_string(answer.error()),
                   "see whether it is there, and reached from this host");
  if (answer->status < 200 || answer->status > 299)
    return failure(ec::system_error, "POST " + url, "it answered with status " + std::to_string(answer->status),
                   "see its log");
  return {};
}

} // namespace berth
