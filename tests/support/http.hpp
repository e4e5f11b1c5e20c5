#pragma once

#include "runtimes/linux/unique_fd.hpp"

#include <chrono>
#include <functional>
#include <string>
#include <string_view>

namespace berth::test {

/// A connection to a Unix socket that sends whatever bytes it is told to. Asserts nothing.
class RawConnection {
public:
  explicit RawConnection(const std::string& socket_path);

  bool is_open() const noexcept {
    return static_cast<bool>(fd_);
  }

  /// False if the peer has closed, or takes nothing more until the deadline.
  bool send(std::string_view bytes, std::chrono::milliseconds limit = std::chrono::seconds{5});

  /// Tells the peer that no more comes.
  void end_sending();

  /// Reads until the text satisfies `enough`, the peer closes, or the deadline has come; everything that was read so far.
  const std::string& read_until(const std::function<bool(std::string_view)>& enough, std::chrono::milliseconds limit);

  /// Reads until the peer closes; false at the deadline.
  bool read_to_end(std::chrono::milliseconds limit = std::chrono::seconds{20});

  const std::string& received() const noexcept {
    return received_;
  }

private:
  enum class Arrived { bytes, end, nothing };
  Arrived read_some(std::chrono::milliseconds limit);

  UniqueFd fd_;
  std::string received_;
};

struct HttpAnswer {
  /// 0: no answer that could be read.
  int status = 0;
  std::string head;
  /// Without the framing of chunks.
  std::string body;
};

/// Takes an answer apart that came over a connection; chunks need not be complete.
HttpAnswer parse_answer(const std::string& received);

/// One request with `Connection: close`, read to its end or the deadline.
HttpAnswer http(const std::string& socket_path, const std::string& method, const std::string& target,
                const std::string& body = {}, std::chrono::milliseconds limit = std::chrono::seconds{20});

/// The text of a request.
std::string http_request(const std::string& method, const std::string& target, const std::string& body = {});

} // namespace berth::test
