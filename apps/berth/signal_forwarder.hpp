#pragma once

#include "apps/berth/client.hpp"
#include "apps/berth/output.hpp"

#include <csignal>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace berth::cli {

/// While it lives, SIGINT, SIGTERM and SIGHUP do not end this process but are sent on to a container. Signals that come
/// before the container is known are kept for it. The third SIGINT ends this process with 130 and leaves the container
/// alone, for containers that do not react. To be made before any other thread, so that all have the signals blocked.
class SignalForwarder {
public:
  SignalForwarder(const Client& client, Output& out);
  ~SignalForwarder();

  SignalForwarder(const SignalForwarder&) = delete;
  SignalForwarder& operator=(const SignalForwarder&) = delete;

  /// The container runs; what has come so far is sent to it.
  void set_container(const std::string& id);

private:
  void run();
  void handle(int signal);
  void deliver(const std::string& id, int signal);
  [[noreturn]] void give_up(const std::string& id);
  void say(std::string message);
  void wake();

  const Client& client_;
  Output& out_;
  sigset_t signals_;
  sigset_t previous_;
  std::mutex mutex_;
  std::string id_;           // guarded by mutex_
  bool stopped_ = false;     // guarded by mutex_
  std::vector<int> pending_; // of the thread
  int interrupts_ = 0;       // of the thread
  std::thread thread_;       // last: it starts when everything else exists
};

} // namespace berth::cli
