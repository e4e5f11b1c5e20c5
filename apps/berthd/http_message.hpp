#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <tl/expected.hpp>

/// The HTTP/1.1 messages that the API needs (RFC 9112): requests whose body, if any, has a known
/// length; answers in one piece or in chunks. Pure functions; the sockets are elsewhere.
namespace berth {

/// Longest request line and header fields together, in bytes.
constexpr size_t http_head_limit = 16 * 1024;
/// Most header fields of a request.
constexpr size_t http_field_limit = 100;
/// Longest body of a request that is not known to need a longer one, in bytes.
constexpr size_t http_body_limit = 1024 * 1024;

/// Names and values in the order in which they came, percent-decoded.
using QueryPairs = std::vector<std::pair<std::string, std::string>>;

struct HttpRequest {
  std::string method;
  /// The parts of the path between its slashes, percent-decoded: "/v1/pools" is {"v1", "pools"}.
  std::vector<std::string> path;
  QueryPairs query;
  /// By lower-case name; the values of a repeated field are joined with ", ".
  std::map<std::string, std::string> headers;
  std::string body;
  /// Of HTTP/1.0, which knows no chunks.
  bool old_version = false;
  /// The connection may serve another request.
  bool keep_alive = true;
  /// The client waits for "100 Continue" before it sends the body.
  bool expects_continue = false;
  size_t content_length = 0;
};

/// Why a request is refused before anybody has looked at what it wants.
struct HttpRefusal {
  int status = 400;
  std::string reason;

  friend bool operator==(const HttpRefusal&, const HttpRefusal&) = default;
};

/// Length of the first request's head in `bytes`, its final empty line included; nothing if it is
/// not complete.
std::optional<size_t> find_head_end(std::string_view bytes);

/// Reads a complete head, its final empty line included. The body is left empty.
tl::expected<HttpRequest, HttpRefusal> parse_request_head(std::string_view head);

/// Why the body of a request is not even read; nothing if it is at most `limit` bytes long.
std::optional<HttpRefusal> objection_to_length(const HttpRequest& request, size_t limit);

/// Decodes "%41" to "A"; in queries a "+" means a space. Nothing if an escape is cut or not
/// hexadecimal.
std::optional<std::string> percent_decode(std::string_view text, bool is_query);

using HttpFields = std::vector<std::pair<std::string, std::string>>;

/// Status line and fields of an answer. They must not contain line breaks.
std::string render_answer_head(int status, const HttpFields& fields);

/// One piece of an answer in chunks. An empty one would end the answer: `data` must not be empty.
std::string render_chunk(std::string_view data);

constexpr std::string_view last_chunk = "0\r\n\r\n";
constexpr std::string_view continue_answer = "HTTP/1.1 100 Continue\r\n\r\n";

} // namespace berth
