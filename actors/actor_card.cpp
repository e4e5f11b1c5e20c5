#include "actors/actor_card.hpp"

#include "actors/trace_recorder.hpp"

#include <algorithm>

namespace berth {

namespace {

/// An actor that has more requests under way than this gets no better causes for their answers.
constexpr size_t most_expected = 4096;

const ActorLabel unlabelled{};

/// What both clocks showed at the start of the process.
struct ClockStart {
  int64_t time = trace_clock();
  int64_t ticks = turn_ticks();
};

const ClockStart clock_start{};

void add(ActorBook::Kind& kind, const ActorCard::Numbers& numbers) {
  kind.handled += numbers.handled;
  kind.busy += numbers.busy;
}

} // namespace

std::chrono::nanoseconds turn_time(int64_t ticks) noexcept {
  auto time = static_cast<double>(trace_clock() - clock_start.time);
  auto passed = static_cast<double>(turn_ticks() - clock_start.ticks);
  return std::chrono::nanoseconds{passed > 0 ? static_cast<int64_t>(static_cast<double>(ticks) * (time / passed)) : ticks};
}

ActorCard::~ActorCard() {
  delete label_.load(std::memory_order_relaxed);
}

void ActorCard::set_label(ActorLabel label) {
  auto is_recorded = label.trace.is_recorded;
  label.trace_id = to_string(label.trace.trace);
  auto mine = std::make_unique<const ActorLabel>(std::move(label));
  const ActorLabel* none = nullptr;
  if (!label_.compare_exchange_strong(none, mine.get(), std::memory_order_acq_rel))
    return;
  (void)mine.release();
  if (!is_recorded)
    return;
  auto guard = std::lock_guard{mutex_};
  is_holding_ = true;
  trace_recorder().hold();
}

const ActorLabel& ActorCard::label() const noexcept {
  const auto* label = label_.load(std::memory_order_acquire);
  return label != nullptr ? *label : unlabelled;
}

void ActorCard::end_turn(int64_t ticks, size_t waiting) noexcept {
  // Counters of two processors may differ by a little.
  busy_ticks_.fetch_add(std::max<int64_t>(ticks, 0), std::memory_order_relaxed);
  auto arrived = arrived_.load(std::memory_order_relaxed);
  handled_.store(arrived - std::min<uint64_t>(arrived, waiting), std::memory_order_relaxed);
  turns_.fetch_sub(1, std::memory_order_relaxed);
}

void ActorCard::close() {
  auto guard = std::lock_guard{mutex_};
  expected_.clear();
  if (std::exchange(is_holding_, false))
    trace_recorder().release();
}

void ActorCard::expect(uint64_t request, const TracePoint& point) {
  auto guard = std::lock_guard{mutex_};
  if (expected_.size() < most_expected)
    expected_[request] = point;
}

TracePoint ActorCard::take_expected(uint64_t request) {
  auto guard = std::lock_guard{mutex_};
  auto found = expected_.extract(request);
  return found ? found.mapped() : TracePoint{};
}

ActorCard::Numbers ActorCard::numbers() const noexcept {
  auto result = Numbers{};
  auto arrived = arrived_.load(std::memory_order_relaxed);
  result.handled = std::min(arrived, handled_.load(std::memory_order_relaxed));
  result.mailbox = arrived - result.handled;
  result.busy = turn_time(busy_ticks_.load(std::memory_order_relaxed));
  result.restarts = restarts_.load(std::memory_order_relaxed);
  result.is_running = turns_.load(std::memory_order_relaxed) > 0;
  return result;
}

ActorCardPtr ActorBook::enter(caf::actor_addr address) {
  auto guard = std::lock_guard{mutex_};
  auto number = ++last_number_;
  auto card = std::make_shared<ActorCard>(number, std::move(address));
  cards_.emplace(number, card);
  return card;
}

void ActorBook::leave(const ActorCardPtr& card) {
  {
    auto guard = std::lock_guard{mutex_};
    if (cards_.erase(card->number()) > 0)
      add(past_[card->label().kind], card->numbers());
  }
  card->close();
}

std::map<std::string, ActorBook::Kind> ActorBook::kinds() const {
  auto guard = std::lock_guard{mutex_};
  auto result = past_;
  for (const auto& [number, card] : cards_) {
    auto& kind = result[card->label().kind];
    auto numbers = card->numbers();
    ++kind.count;
    kind.mailbox += numbers.mailbox;
    kind.longest_mailbox = std::max(kind.longest_mailbox, numbers.mailbox);
    add(kind, numbers);
  }
  return result;
}

std::vector<ActorCardPtr> ActorBook::list() const {
  auto result = std::vector<ActorCardPtr>{};
  {
    auto guard = std::lock_guard{mutex_};
    for (const auto& [number, card] : cards_)
      result.push_back(card);
  }
  std::sort(result.begin(), result.end(), [](const auto& x, const auto& y) { return x->number() < y->number(); });
  return result;
}

ActorInfo describe(const ActorCard& card) {
  const auto& label = card.label();
  auto numbers = card.numbers();
  auto result = ActorInfo{};
  result.number = card.number();
  result.kind = label.kind;
  result.pool = label.pool;
  result.container = label.container;
  result.detail = label.detail;
  if (const auto* word = card.word())
    result.state = word;
  else
    result.state = numbers.mailbox > 1 ? "behind" : numbers.is_running ? "busy" : "idle";
  result.mailbox = numbers.mailbox;
  result.handled = numbers.handled;
  result.busy = numbers.busy;
  result.restarts = numbers.restarts;
  return result;
}

ActorBook& actor_book() {
  static auto book = ActorBook{};
  return book;
}

} // namespace berth
