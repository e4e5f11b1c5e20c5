#pragma once

#include "messages/actors.hpp"

#include <caf/actor_addr.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

namespace berth {

/// Ticks of the cheapest clock of the machine, for counts of time spent: on x86-64 the time stamp counter. With the steady
/// clock, an observed message cost 0.6 us more than a plain one, with this 0.3 us (tests/bench/trace.sh).
inline int64_t turn_ticks() noexcept {
#if defined(__x86_64__)
  return static_cast<int64_t>(__rdtsc());
#else
  return std::chrono::steady_clock::now().time_since_epoch().count();
#endif
}

/// How long so many ticks take, by what both clocks have shown since the start of the process.
std::chrono::nanoseconds turn_time(int64_t ticks) noexcept;

/// Who an actor is. It says so itself, once, before its first message.
struct ActorLabel {
  /// "pool", "container", …
  const char* kind = "actor";
  PoolName pool;
  ContainerId container;
  /// What tells it from others of its kind and pool: "runc, generation 2".
  std::string detail;
  /// What it does without a better cause belongs to this.
  TracePoint trace;
  /// The id of that as text; filled in.
  std::string trace_id;
};

/// What is known of an actor from outside, while it lives and for as long as spans tell of it. Threads may look at it at any
/// time; the numbers are of moments that lie close together.
class ActorCard : public std::enable_shared_from_this<ActorCard> {
public:
  ActorCard(uint64_t number, caf::actor_addr address) : number_(number), address_(std::move(address)) {
    // nop
  }

  ActorCard(const ActorCard&) = delete;
  ActorCard& operator=(const ActorCard&) = delete;
  ~ActorCard();

  /// Counts from 1 in this process.
  uint64_t number() const noexcept {
    return number_;
  }

  const caf::actor_addr& address() const noexcept {
    return address_;
  }

  /// Only the first label counts. A recorded trace in it keeps the recorder looking at messages for as long as the actor lives.
  void set_label(ActorLabel label);

  const ActorLabel& label() const noexcept;

  /// How the actor stands, in one word; static storage. Null: whatever its mailbox says.
  void set_word(const char* word) noexcept {
    word_.store(word, std::memory_order_relaxed);
  }

  const char* word() const noexcept {
    return word_.load(std::memory_order_relaxed);
  }

  /// How often one in this place has died and was started again; the owner knows.
  void set_restarts(uint64_t restarts) noexcept {
    restarts_.store(restarts, std::memory_order_relaxed);
  }

  // -- called by Observed ---------------------------------------------------------------------------

  void note_message() noexcept {
    arrived_.fetch_add(1, std::memory_order_relaxed);
  }

  void begin_turn() noexcept {
    turns_.fetch_add(1, std::memory_order_relaxed);
  }

  /// `ticks` is how long it took; `waiting`: messages that the actor has not handled in its turn.
  void end_turn(int64_t ticks, size_t waiting) noexcept;

  /// The actor has ended.
  void close();

  /// Of a request that this actor has sent: where its answer belongs. For as long as that is on its way.
  void expect(uint64_t request, const TracePoint& point);
  TracePoint take_expected(uint64_t request);

  // -- numbers --------------------------------------------------------------------------------------

  struct Numbers {
    uint64_t handled = 0;
    /// Messages that wait, with the one that is being handled.
    uint64_t mailbox = 0;
    std::chrono::nanoseconds busy{0};
    uint64_t restarts = 0;
    bool is_running = false;
  };

  Numbers numbers() const noexcept;

private:
  const uint64_t number_;
  const caf::actor_addr address_;
  std::atomic<const ActorLabel*> label_{nullptr};
  std::atomic<const char*> word_{nullptr};
  /// Written by senders, and on a line of the cache of its own: the rest is the actor's.
  alignas(64) std::atomic<uint64_t> arrived_{0};
  alignas(64) std::atomic<uint64_t> handled_{0};
  std::atomic<int64_t> busy_ticks_{0};
  std::atomic<uint64_t> restarts_{0};
  std::atomic<int32_t> turns_{0};
  std::mutex mutex_;
  std::unordered_map<uint64_t, TracePoint> expected_; // guarded by mutex_
  bool is_holding_ = false;                           // guarded by mutex_
};

using ActorCardPtr = std::shared_ptr<ActorCard>;

/// The cards of all actors of this process that live.
class ActorBook {
public:
  ActorCardPtr enter(caf::actor_addr address);
  void leave(const ActorCardPtr& card);

  /// By number.
  std::vector<ActorCardPtr> list() const;

  /// The actors of one kind.
  struct Kind {
    /// Of those that live.
    uint64_t count = 0;
    uint64_t mailbox = 0;
    uint64_t longest_mailbox = 0;
    /// Of all that there were.
    uint64_t handled = 0;
    std::chrono::nanoseconds busy{0};
  };

  std::map<std::string, Kind> kinds() const;

private:
  mutable std::mutex mutex_;
  uint64_t last_number_ = 0;                          // guarded by mutex_
  std::unordered_map<uint64_t, ActorCardPtr> cards_; // guarded by mutex_
  /// Of those that do not live any more.
  std::map<std::string, Kind> past_;                  // guarded by mutex_
};

ActorBook& actor_book();

ActorInfo describe(const ActorCard& card);


/// The actor that has its turn on the calling thread; null outside of actors.
inline constinit thread_local ActorCard* this_actor = nullptr;

} // namespace berth
