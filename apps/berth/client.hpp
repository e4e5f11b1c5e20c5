#pragma once

#include "apps/berth/failure.hpp"
#include "apps/berth/http_answer.hpp"
#include "runtimes/linux/unique_fd.hpp"

#include <chrono>
#include <functional>
#include <string>
#include <string_view>

namespace berth::cli {

/// Percent-encodes what is not safe as one component of a path or as a value of a query.
std::string encode_component(std::string_view text);

/// Puts a query together, values encoded: "/v1/events" and {"since", "7"} give "/v1/events?since=7".
class Target {
public:
  explicit Target(std::string path) : text_(std::move(path)) {
    // nop
  }

  /// "/v1/containers/ID" and "/v1/containers/ID/verb".
  static Target container(std::string_view id, std::string_view verb = {});

  Target& with(std::string_view key, std::string_view value);

  /// The same, but only if there is a value.
  Target& with_any(std::string_view key, std::string_view value);

  const std::string& text() const {
    return text_;
  }

private:
  std::string text_;
  bool has_query_ = false;
};

/// What to do with a stream of lines.
struct LineReader {
  /// Gets every line without its end, but not the empty ones that only tell that the daemon is there. Returns false to
  /// end the stream.
  std::function<bool(std::string_view line)> on_line;
  /// Called when all that has arrived was read. Returns false to end the stream.
  std::function<bool()> on_pause;
};

/// The daemon behind its Unix socket. Every call opens a connection of its own, so calls from several threads are fine.
class Client {
public:
  /// `start_hint` tells people how to start the daemon that listens there.
  Client(std::string socket_path, std::string start_hint);

  /// The same client, but the daemon is asked to record the messages behind its requests, each as a trace of its own.
  Client traced(bool is_traced) const;

  /// "unix:///run/berth/berth.sock"
  std::string address() const;

  /// All of these give the body of a good answer. They wait for as long as `patience`: a daemon that has died closes
  /// the connection at once, so patience is about how long the work may take.
  Answer<std::string> get(const Target& target, std::chrono::seconds patience = brief) const;
  Answer<std::string> post(const Target& target, const std::string& body, std::chrono::seconds patience = brief) const;
  Answer<std::string> put(const Target& target, const std::string& body, std::chrono::seconds patience = brief) const;
  Answer<std::string> remove(const Target& target, std::chrono::seconds patience = brief) const;

  /// Reads a stream of lines to its end: success if it was ended by the daemon in good order or by the reader. Once it
  /// has begun, the daemon must say something from time to time.
  Answer<void> stream_get(const Target& target, const LineReader& reader, std::chrono::seconds patience = brief) const;
  Answer<void> stream_post(const Target& target, const std::string& body, const LineReader& reader,
                           std::chrono::seconds patience = brief) const;

  /// Answers that need no work but the asking.
  static constexpr auto brief = std::chrono::seconds{60};
  /// Launches (which may wait in a queue), stops, ends of containers: the daemon has deadlines of its own for these.
  static constexpr auto long_work = std::chrono::hours{24 * 365};

  /// How long a stream may be silent. The daemon sends an empty line every 15 s.
  std::chrono::milliseconds silence_limit{60'000};
  /// How long a daemon that has no place for another connection is asked again.
  std::chrono::milliseconds busy_limit{10'000};

private:
  struct Call {
    const char* method;
    std::string target;
    const std::string* body = nullptr;
    std::chrono::seconds patience;
  };

  Answer<std::string> exchange(const Call& call) const;
  Answer<void> stream(const Call& call, const LineReader& reader) const;
  Answer<void> talk(const Call& call, HttpAnswer& answer, const HttpAnswer::OnBody& on_body,
                    const std::function<bool()>& on_pause) const;
  Answer<UniqueFd> connect() const;
  Failure unreachable(const std::string& reason) const;

  std::string socket_path_;
  std::string start_hint_;
  bool is_traced_ = false;
};

} // namespace berth::cli
