#pragma once

#include "runtimes/linux/socket_stream.hpp"
#include "runtimes/linux/unix_listener.hpp"
#include "tests/support/temp_dir.hpp"

#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace berth::test {

/// A request as the scripted daemon got it.
struct Asked {
  std::string method;
  /// With its query, percent-encoded.
  std::string target;
  std::string body;

  friend bool operator==(const Asked&, const Asked&) = default;
};

/// The daemon's end of one connection. Nothing in it asserts: it runs on threads of its own.
class Conversation {
public:
  explicit Conversation(SocketStream& stream) : stream_(stream) {
    // nop
  }

  void send(std::string_view bytes) {
    (void)stream_.write(bytes, std::chrono::seconds{20});
  }

  /// A whole answer with a JSON body.
  void answer(int status, const std::string& json);

  /// The answer "200 OK" in chunks: its head, one line, its end.
  void begin_lines();
  void line(const std::string& json);
  void end_lines();

  /// Returns when the command has closed the connection, or at the end of the test.
  void wait_for_hangup();

private:
  SocketStream& stream_;
};

/// Listens on a Unix socket and answers every request with a script, each on a thread of its own.
class ScriptedDaemon {
public:
  using Script = std::function<void(const Asked&, Conversation&)>;

  explicit ScriptedDaemon(Script script);
  ~ScriptedDaemon();

  ScriptedDaemon(const ScriptedDaemon&) = delete;
  ScriptedDaemon& operator=(const ScriptedDaemon&) = delete;

  std::string socket_path() const {
    return dir_ / "berth.sock";
  }

  /// The arguments of `berth VERB …` that reach this daemon.
  std::vector<std::string> command(const std::vector<std::string>& args) const;

  /// All requests so far, in the order in which they came.
  std::vector<Asked> asked() const;

  /// Those of one method whose target begins so.
  std::vector<Asked> asked(const std::string& method, const std::string& target) const;

private:
  void listen();
  void serve(UniqueFd fd);

  TempDir dir_;
  Script script_;
  EventFlag stop_;
  UnixListener listener_;
  mutable std::mutex mutex_;
  std::vector<Asked> asked_; // guarded by mutex_
  std::list<std::thread> connections_;
  std::thread thread_; // last: it starts when everything else exists
};

} // namespace berth::test
