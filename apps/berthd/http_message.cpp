#include "apps/berthd/http_message.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>

namespace berth {

namespace {

using Refused = tl::unexpected<HttpRefusal>;

Refused refuse(int status, std::string reason) {
  return Refused{HttpRefusal{status, std::move(reason)}};
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string lower(std::string_view text) {
  auto result = std::string{text};
  std::transform(text.begin(), text.end(), result.begin(), [](char c) { return lower(c); });
  return result;
}

bool is_token(std::string_view text) {
  constexpr auto marks = std::string_view{"!#$%&'*+-.^_`|~"};
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z')
           || marks.find(c) != std::string_view::npos;
  });
}

bool has_control_character(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t') || byte == 0x7f;
  });
}

std::string_view trim(std::string_view text) {
  constexpr auto blanks = std::string_view{" \t"};
  auto first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos)
    return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

/// Takes the part before `mark` off the front of `text`, and `mark` with it; all of it if there is
/// no `mark`.
std::string_view take_until(std::string_view& text, std::string_view mark) {
  auto end = text.find(mark);
  auto result = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + mark.size());
  return result;
}

/// True if a list field such as `Connection` contains the word.
bool lists(const HttpRequest& request, const std::string& field, std::string_view word) {
  auto i = request.headers.find(field);
  if (i == request.headers.end())
    return false;
  auto rest = std::string_view{i->second};
  while (!rest.empty())
    if (lower(trim(take_until(rest, ","))) == word)
      return true;
  return false;
}

bool parse_target(std::string_view target, HttpRequest& request) {
  auto fragment = target.find('#');
  if (!target.starts_with('/') || fragment != std::string_view::npos)
    return false;
  auto path = take_until(target, "?");
  path.remove_prefix(1);
  do {
    auto part = percent_decode(take_until(path, "/"), false);
    if (!part)
      return false;
    request.path.push_back(std::move(*part));
  } while (!path.empty());
  while (!target.empty()) {
    auto value = take_until(target, "&");
    auto name = take_until(value, "=");
    auto decoded_name = percent_decode(name, true);
    auto decoded_value = percent_decode(value, true);
    if (!decoded_name || !decoded_value)
      return false;
    if (!decoded_name->empty() || !decoded_value->empty())
      request.query.emplace_back(std::move(*decoded_name), std::move(*decoded_value));
  }
  return true;
}

std::optional<HttpRefusal> parse_field(std::string_view line, HttpRequest& request) {
  auto colon = line.find(':');
  if (colon == std::string_view::npos || !is_token(line.substr(0, colon)))
    return HttpRefusal{400, "a header field is not of the form \"name: value\""};
  auto value = trim(line.substr(colon + 1));
  if (has_control_character(value))
    return HttpRefusal{400, "a header field has a control character"};
  auto [i, is_new] = request.headers.try_emplace(lower(line.substr(0, colon)), value);
  if (!is_new)
    i->second.append(", ").append(value);
  return std::nullopt;
}

/// What the fields say about the body and about the connection.
std::optional<HttpRefusal> interpret_fields(HttpRequest& request) {
  if (request.headers.contains("transfer-encoding"))
    return HttpRefusal{411, "bodies in chunks are not taken: send Content-Length"};
  if (auto i = request.headers.find("content-length"); i != request.headers.end()) {
    auto& text = i->second;
    auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), request.content_length);
    auto is_number = !text.empty() && end == text.data() + text.size();
    if (is_number && error == std::errc::result_out_of_range)
      return HttpRefusal{413, "the body is too long"};
    // Repeated fields have become a list, and are refused with everything else that is not one
    // number.
    if (!is_number || error != std::errc{})
      return HttpRefusal{400, "Content-Length is not a number"};
  }
  if (request.content_length > 0 && request.headers.contains("content-encoding"))
    return HttpRefusal{415, "compressed bodies are not taken"};
  if (auto i = request.headers.find("expect"); i != request.headers.end()) {
    if (lower(i->second) != "100-continue")
      return HttpRefusal{417, "only \"100-continue\" can be expected"};
    request.expects_continue = request.content_length > 0 && !request.old_version;
  }
  request.keep_alive = request.old_version ? lists(request, "connection", "keep-alive")
                                           : !lists(request, "connection", "close");
  return std::nullopt;
}

const char* reason_phrase(int status) {
  switch (status) {
    case 200: return "OK";
    case 201: return "Created";
    case 204: return "No Content";
    case 400: return "Bad Request";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 411: return "Length Required";
    case 413: return "Content Too Large";
    case 415: return "Unsupported Media Type";
    case 417: return "Expectation Failed";
    case 422: return "Unprocessable Content";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    default: return "Unknown";
  }
}

} // namespace

std::optional<size_t> find_head_end(std::string_view bytes) {
  constexpr auto empty_line = std::string_view{"\r\n\r\n"};
  auto end = bytes.find(empty_line);
  if (end == std::string_view::npos)
    return std::nullopt;
  return end + empty_line.size();
}

tl::expected<HttpRequest, HttpRefusal> parse_request_head(std::string_view head) {
  auto request = HttpRequest{};
  auto line = take_until(head, "\r\n");
  request.method = std::string{take_until(line, " ")};
  auto target = take_until(line, " ");
  if (!is_token(request.method) || target.empty() || !line.starts_with("HTTP/"))
    return refuse(400, "the request line is not of the form \"METHOD PATH HTTP/1.1\"");
  if (line != "HTTP/1.1" && line != "HTTP/1.0")
    return refuse(505, "only HTTP/1.1 and HTTP/1.0 are spoken here");
  request.old_version = line == "HTTP/1.0";
  if (has_control_character(target) || target.find('\t') != std::string_view::npos
      || !parse_target(target, request))
    return refuse(400, "the path of the request cannot be understood");
  for (size_t fields = 0;; ++fields) {
    auto field = take_until(head, "\r\n");
    if (field.empty())
      break;
    if (fields == http_field_limit)
      return refuse(431, "more than " + std::to_string(http_field_limit) + " header fields");
    if (auto refusal = parse_field(field, request))
      return Refused{std::move(*refusal)};
  }
  if (auto refusal = interpret_fields(request))
    return Refused{std::move(*refusal)};
  return request;
}

std::optional<HttpRefusal> objection_to_length(const HttpRequest& request, size_t limit) {
  if (request.content_length <= limit)
    return std::nullopt;
  return HttpRefusal{413, "the body is longer than " + std::to_string(limit) + " bytes, the most that this request may have"};
}

std::optional<std::string> percent_decode(std::string_view text, bool is_query) {
  auto result = std::string{};
  result.reserve(text.size());
  while (!text.empty()) {
    auto c = text.front();
    text.remove_prefix(1);
    if (c == '%') {
      auto byte = 0u;
      auto digits = text.substr(0, 2);
      auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), byte, 16);
      if (digits.size() < 2 || error != std::errc{} || end != digits.data() + 2)
        return std::nullopt;
      text.remove_prefix(2);
      c = static_cast<char>(byte);
    } else if (c == '+' && is_query) {
      c = ' ';
    }
    result += c;
  }
  return result;
}

std::string render_answer_head(int status, const HttpFields& fields) {
  auto result = "HTTP/1.1 " + std::to_string(status) + " " + reason_phrase(status) + "\r\n";
  for (auto& [name, value] : fields)
    result.append(name).append(": ").append(value).append("\r\n");
  return result += "\r\n";
}

std::string render_chunk(std::string_view data) {
  char size[24];
  auto n = std::snprintf(size, sizeof(size), "%zx\r\n", data.size());
  auto result = std::string{};
  result.reserve(static_cast<size_t>(n) + data.size() + 2);
  return result.append(size).append(data).append("\r\n");
}

} // namespace berth
