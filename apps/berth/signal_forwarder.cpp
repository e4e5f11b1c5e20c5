#include "apps/berth/signal_forwarder.hpp"

#include "apps/berth/exit_codes.hpp"

#include <array>
#include <chrono>
#include <cstdlib>
#include <future>

#include <pthread.h>

namespace berth::cli {

namespace {

using namespace std::chrono_literals;

constexpr auto forwarded = std::array{SIGINT, SIGTERM, SIGHUP};

/// Wakes the thread up. Nobody else sends it, and by default it does nothing.
constexpr auto wake_signal = SIGURG;

/// How many SIGINT mean that somebody has lost patience.
constexpr auto max_interrupts = 3;

const char* name_of(int signal) {
  switch (signal) {
    case SIGINT: return "INT";
    case SIGTERM: return "TERM";
    default: return "HUP";
  }
}

/// nohup and background jobs of a shell have signals ignored: that must stay so.
bool is_ignored(int signal) {
  struct sigaction action {};
  return ::sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

} // namespace

SignalForwarder::SignalForwarder(const Client& client, Output& out) : client_(client), out_(out) {
  ::sigemptyset(&signals_);
  for (auto signal : forwarded)
    if (!is_ignored(signal))
      ::sigaddset(&signals_, signal);
  ::sigaddset(&signals_, wake_signal);
  ::pthread_sigmask(SIG_BLOCK, &signals_, &previous_);
  thread_ = std::thread{[this] { run(); }};
}

SignalForwarder::~SignalForwarder() {
  {
    auto guard = std::lock_guard{mutex_};
    stopped_ = true;
  }
  wake();
  thread_.join();
  ::pthread_sigmask(SIG_SETMASK, &previous_, nullptr);
}

void SignalForwarder::wake() {
  ::pthread_kill(thread_.native_handle(), wake_signal);
}

void SignalForwarder::set_container(const std::string& id) {
  {
    auto guard = std::lock_guard{mutex_};
    id_ = id;
  }
  wake();
}

void SignalForwarder::run() {
  for (;;) {
    auto signal = 0;
    if (::sigwait(&signals_, &signal) != 0)
      continue;
    {
      auto guard = std::lock_guard{mutex_};
      if (stopped_)
        return;
    }
    handle(signal);
  }
}

void SignalForwarder::handle(int signal) {
  auto id = std::string{};
  {
    auto guard = std::lock_guard{mutex_};
    id = id_;
  }
  if (signal == SIGINT && ++interrupts_ >= max_interrupts)
    give_up(id);
  if (signal != wake_signal)
    pending_.push_back(signal);
  if (id.empty())
    return;
  for (auto pending : pending_)
    deliver(id, pending);
  pending_.clear();
  if (signal == SIGINT && interrupts_ == max_interrupts - 1)
    say("container " + id + " got SIGINT again; a third one ends this command and leaves the container running");
}

void SignalForwarder::deliver(const std::string& id, int signal) {
  auto target = Target::container(id, "kill").with("signal", name_of(signal));
  auto answer = client_.post(target, {}, 10s);
  if (answer || answer.error().code == "unknown_container" || answer.error().code == "wrong_state")
    return; // an ended container needs no signal, and its end is on the way
  say("cannot send SIG" + std::string{name_of(signal)} + " to container " + id + ": " + answer.error().message);
}

void SignalForwarder::say(std::string message) {
  // stderr may be a pipe that nobody empties: that must not keep the next signal from being seen.
  auto said = std::make_shared<std::promise<void>>();
  auto done = said->get_future();
  std::thread{[&out = out_, message = std::move(message), said] {
    out.complain(message);
    said->set_value();
  }}.detach();
  done.wait_for(200ms);
}

void SignalForwarder::give_up(const std::string& id) {
  if (id.empty())
    say("gave up; the launch goes on: see `berth ps -a`");
  else
    say("gave up; container " + id + " goes on: end it with `berth stop " + id + "`");
  std::_Exit(signal_base + SIGINT);
}

} // namespace berth::cli
