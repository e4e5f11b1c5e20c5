#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace berth::cli {

/// Reads one HTTP/1.1 answer (RFC 9112) from its bytes as they come: the status, and a body that has a known length, is
/// in chunks, or lasts until the connection ends.
class HttpAnswer {
public:
  /// Gets the body piece by piece; returns false to end the reading.
  using OnBody = std::function<bool(std::string_view piece)>;

  /// Longest head, and longest line between chunks, in bytes.
  static constexpr size_t max_head = 64 * 1024;

  /// Takes the next bytes. False if `on_body` wants no more or if this is no HTTP.
  bool feed(std::string_view bytes, const OnBody& on_body);

  /// The connection has ended; that may be the end of the body.
  void end();

  /// 0 before the head has come.
  int status() const {
    return status_;
  }

  bool is_good() const {
    return status_ >= 200 && status_ < 300;
  }

  /// All has come.
  bool is_complete() const {
    return state_ == State::complete;
  }

  /// This is no answer as it should be.
  bool is_broken() const {
    return state_ == State::broken;
  }

private:
  enum class State : uint8_t {
    head,
    // Bodies of known length, in chunks, and up to the end of the connection.
    counted_body,
    chunk_size,
    chunk_data,
    chunk_end,
    trailer,
    endless_body,
    // Ends.
    complete,
    broken,
  };

  bool takes_lines() const;
  void take_line(std::string_view line);
  void take_status(std::string_view line);
  void take_field(std::string_view line);
  void end_head();
  void take_chunk_size(std::string_view line);

  State state_ = State::head;
  bool has_status_line_ = false;
  int status_ = 0;
  int next_status_ = 0;
  bool is_chunked_ = false;
  bool is_counted_ = false;
  uint64_t left_ = 0;      // bytes of the body or of the chunk
  size_t head_bytes_ = 0;  // of the head or trailer so far
  std::string line_;       // begun and not complete
};

} // namespace berth::cli
