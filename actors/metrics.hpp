#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Numbers about the daemon for monitoring systems, in the text format of Prometheus. Whoever counts finds its counter once and
/// keeps it: to count is one relaxed atomic addition, from any thread.
namespace berth::metrics {

enum class Type : uint8_t { counter, gauge, histogram };

using Labels = std::vector<std::pair<std::string, std::string>>;

struct Sample {
  Labels labels;
  double value = 0;
  /// "_bucket", "_sum", "_count" of a histogram; else empty.
  std::string_view suffix{};
};

/// All samples of one name.
struct Family {
  std::string name;
  std::string help;
  Type type = Type::gauge;
  std::vector<Sample> samples;
};

/// The text exposition format, version 0.0.4. A family without samples shows at least that it exists.
std::string render(const std::vector<Family>& families);

/// Content type of that.
constexpr std::string_view text_type = "text/plain; version=0.0.4; charset=utf-8";

class Counter {
public:
  void add(uint64_t n = 1) noexcept {
    value_.fetch_add(n, std::memory_order_relaxed);
  }

  uint64_t value() const noexcept {
    return value_.load(std::memory_order_relaxed);
  }

private:
  std::atomic<uint64_t> value_{0};
};

class Gauge {
public:
  void set(int64_t value) noexcept {
    value_.store(value, std::memory_order_relaxed);
  }

  int64_t value() const noexcept {
    return value_.load(std::memory_order_relaxed);
  }

private:
  std::atomic<int64_t> value_{0};
};

/// Upper bounds of buckets, ascending; of static life.
using Bounds = std::span<const std::chrono::nanoseconds>;

/// For what takes as long as a start of a container: 1 ms to 60 s.
Bounds long_bounds();
/// For what takes as long as a write to a disk: 0.1 ms to 10 s.
Bounds short_bounds();

/// Durations.
class Histogram {
public:
  explicit Histogram(Bounds bounds);

  void observe(std::chrono::nanoseconds duration) noexcept;

  uint64_t count() const noexcept;

  /// Appends its samples, with buckets as the format wants them: cumulative.
  void sample(const Labels& labels, std::vector<Sample>& samples) const;

private:
  Bounds bounds_;
  /// One more than bounds.
  std::unique_ptr<std::atomic<uint64_t>[]> buckets_;
  std::atomic<uint64_t> sum_{0}; // nanoseconds
};

/// What a registry asks for its samples at a scrape.
class Source {
public:
  virtual ~Source() = default;
  virtual void collect(std::vector<Family>& families) const = 0;
};

/// Metrics of one name that differ by their labels.
template <class Metric>
class FamilyOf : public Source {
public:
  FamilyOf(std::string name, std::string help, std::vector<std::string> labels, Bounds bounds = {})
    : name_(std::move(name)), help_(std::move(help)), labels_(std::move(labels)), bounds_(bounds) {
    // nop
  }

  /// The metric with these values of the labels, in the order of their names. It lives as long as the family. Takes a lock: to
  /// be called once for each user, not for each event.
  Metric& with(const std::vector<std::string>& values);

  void collect(std::vector<Family>& families) const override;

private:
  const std::string name_;
  const std::string help_;
  const std::vector<std::string> labels_;
  const Bounds bounds_;
  mutable std::mutex mutex_;
  std::map<std::vector<std::string>, std::unique_ptr<Metric>> metrics_; // guarded by mutex_
};

using Counters = FamilyOf<Counter>;
using Gauges = FamilyOf<Gauge>;
using Histograms = FamilyOf<Histogram>;

/// All metrics of one daemon. What is made here lives as long as the registry.
class Registry {
public:
  Registry() = default;
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  Counters& counters(std::string name, std::string help, std::vector<std::string> labels = {});
  Gauges& gauges(std::string name, std::string help, std::vector<std::string> labels = {});
  /// The name ends with "_seconds".
  Histograms& histograms(std::string name, std::string help, std::vector<std::string> labels, Bounds bounds);

  /// Registers something that is looked at when it is asked for. `samples` may be called from any thread, and must neither
  /// block nor throw.
  void collect(std::string name, std::string help, Type type, std::function<std::vector<Sample>()> samples);

  /// What there is now, by name.
  std::vector<Family> gather() const;

private:
  template <class T, class... Args>
  T& add(Args&&... args);

  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<Source>> sources_; // guarded by mutex_
};

} // namespace berth::metrics
