#include "actors/log.hpp"

#include "messages/types.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <mutex>

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace berth::log {

namespace {

constexpr auto standard_component = std::string_view{"berthd"};

/// In the table of components: as all others.
constexpr int8_t no_own_level = -1;

/// What counts now, to be read by every line; and what is configured.
class Table {
public:
  Table() {
    for (auto& own : own_)
      own = no_own_level;
  }

  void configure(LogFormat format, const LogLevels& levels) {
    auto guard = std::lock_guard{mutex_};
    // A change of other settings takes nothing back.
    if (levels == configured_ && is_json_ == (format == LogFormat::json))
      return;
    configured_ = levels;
    is_json_ = format == LogFormat::json;
    reset(guard);
  }

  void reset() {
    reset(std::lock_guard{mutex_});
  }

  void reset(std::string_view component) {
    auto guard = std::lock_guard{mutex_};
    auto own = configured_.components.find(component);
    set(component, own == configured_.components.end() ? no_own_level : static_cast<int8_t>(own->second));
  }

  void set(Level level) {
    level_ = static_cast<int8_t>(level);
  }

  void set(std::string_view component, int8_t level) {
    auto i = std::find(log_components.begin(), log_components.end(), component);
    if (i != log_components.end())
      own_[static_cast<size_t>(i - log_components.begin())] = level;
  }

  LogLevels configured() const {
    auto guard = std::lock_guard{mutex_};
    return configured_;
  }

  LogLevels current() const {
    auto result = LogLevels{static_cast<Level>(level_.load()), {}};
    for (auto i = size_t{0}; i < own_.size(); ++i)
      if (auto own = own_[i].load(); own != no_own_level)
        result.components.emplace(log_components[i], static_cast<Level>(own));
    return result;
  }

  bool is_written(Level level, std::string_view component) const {
    auto i = std::find(log_components.begin(), log_components.end(), component);
    auto own = i == log_components.end() ? no_own_level
                                         : own_[static_cast<size_t>(i - log_components.begin())].load(std::memory_order_relaxed);
    return static_cast<int8_t>(level) >= (own == no_own_level ? level_.load(std::memory_order_relaxed) : own);
  }

  bool is_json() const {
    return is_json_.load(std::memory_order_relaxed);
  }

private:
  void reset(const std::lock_guard<std::mutex>&) {
    level_ = static_cast<int8_t>(configured_.level);
    for (auto& own : own_)
      own = no_own_level;
    for (const auto& [component, level] : configured_.components)
      set(component, static_cast<int8_t>(level));
  }

  std::atomic<int8_t> level_{static_cast<int8_t>(Level::debug)};
  std::array<std::atomic<int8_t>, log_components.size()> own_;
  std::atomic<bool> is_json_{false};
  mutable std::mutex mutex_;
  LogLevels configured_; // guarded by mutex_
};

Table& table() {
  static auto instance = Table{};
  return instance;
}

spdlog::logger& logger() {
  static auto instance = [] {
    auto result = spdlog::stderr_logger_mt("berthd");
    // Levels and formats are ours.
    result->set_pattern("%v");
    result->set_level(spdlog::level::trace);
    result->flush_on(spdlog::level::trace);
    return result;
  }();
  return *instance;
}

std::atomic<ContextSource> context_source{nullptr};
thread_local auto thread_context = Context{standard_component, {}, {}, {}};

/// `over`, and from `under` what that does not say.
Context merge(const Context& over, const Context& under) {
  auto pick = [](std::string_view x, std::string_view y) { return x.empty() ? y : x; };
  return {pick(over.component, under.component), pick(over.container_id, under.container_id), pick(over.pool, under.pool),
          pick(over.trace_id, under.trace_id)};
}

Context context() {
  auto source = context_source.load(std::memory_order_relaxed);
  return source == nullptr ? thread_context : merge(source(), thread_context);
}

/// "2026-01-02T03:04:05.678Z"
std::string time_text() {
  constexpr auto shown = std::string_view{"2026-01-02T03:04:05.678"}.size();
  return to_string(now()).substr(0, shown) + "Z";
}

} // namespace

void set_context_source(ContextSource source) {
  context_source = source;
}

ThreadContext::ThreadContext(Context context) : before_(thread_context) {
  thread_context = merge(context, before_);
}

ThreadContext::~ThreadContext() {
  thread_context = before_;
}

void configure(LogFormat format, const LogLevels& levels) {
  table().configure(format, levels);
}

void set_level(Level level) {
  table().set(level);
}

void set_level(std::string_view component, Level level) {
  table().set(component, static_cast<int8_t>(level));
}

void reset_levels() {
  table().reset();
}

void reset_level(std::string_view component) {
  table().reset(component);
}

LogLevels current_levels() {
  return table().current();
}

LogLevels configured_levels() {
  return table().configured();
}

bool is_written(Level level, std::string_view component) {
  return table().is_written(level, component);
}

void write(Level level, std::string_view message, std::initializer_list<Field> fields) {
  auto by = context();
  if (!is_written(level, by.component))
    return;
  auto time = time_text();
  logger().log(spdlog::level::info, "{}",
               table().is_json() ? format_json(time, level, message, fields, by)
                                 : time + ' ' + format_text(level, message, fields, by));
}

} // namespace berth::log
