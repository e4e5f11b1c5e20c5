#include "actors/metrics.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace berth::metrics {

namespace {

using std::chrono::nanoseconds;

constexpr auto us(int64_t n) {
  return nanoseconds{n * 1000};
}

constexpr auto ms(int64_t n) {
  return us(n * 1000);
}

constexpr auto long_table = std::array{ms(1),   ms(2),    ms(5),    ms(10),   ms(25),    ms(50),    ms(100),   ms(250),
                                       ms(500), ms(1000), ms(2500), ms(5000), ms(10000), ms(30000), ms(60000)};
constexpr auto short_table = std::array{us(100), us(250), us(500), ms(1),   ms(2),    ms(5),    ms(10),
                                        ms(25),  ms(50),  ms(100), ms(500), ms(1000), ms(5000), ms(10000)};

double seconds(nanoseconds time) {
  return std::chrono::duration<double>(time).count();
}

const char* name_of(Type type) {
  switch (type) {
    case Type::counter: return "counter";
    case Type::gauge: return "gauge";
    case Type::histogram: return "histogram";
  }
  return "untyped";
}

/// The shortest text that means this number.
std::string number(double value) {
  if (std::isnan(value))
    return "NaN";
  if (std::isinf(value))
    return value > 0 ? "+Inf" : "-Inf";
  char text[32];
  auto end = std::to_chars(text, text + sizeof(text), value).ptr;
  return {text, end};
}

/// Quotes are escaped in values of labels, but not in help texts.
void append_escaped(std::string& out, std::string_view text, bool is_label) {
  for (auto c : text) {
    if (c == '\\')
      out += "\\\\";
    else if (c == '\n')
      out += "\\n";
    else if (c == '"' && is_label)
      out += "\\\"";
    else
      out += c;
  }
}

void append_sample(std::string& out, const std::string& name, const Sample& sample) {
  out.append(name).append(sample.suffix);
  auto separator = '{';
  for (const auto& [label, value] : sample.labels) {
    out.append(1, separator).append(label).append("=\"");
    append_escaped(out, value, true);
    out += '"';
    separator = ',';
  }
  out.append(sample.labels.empty() ? " " : "} ").append(number(sample.value)).append("\n");
}

void sample_of(const Counter& counter, const Labels& labels, std::vector<Sample>& samples) {
  samples.push_back({labels, static_cast<double>(counter.value())});
}

void sample_of(const Gauge& gauge, const Labels& labels, std::vector<Sample>& samples) {
  samples.push_back({labels, static_cast<double>(gauge.value())});
}

void sample_of(const Histogram& histogram, const Labels& labels, std::vector<Sample>& samples) {
  histogram.sample(labels, samples);
}

constexpr Type type_of(const Counter*) {
  return Type::counter;
}

constexpr Type type_of(const Gauge*) {
  return Type::gauge;
}

constexpr Type type_of(const Histogram*) {
  return Type::histogram;
}

class Collected : public Source {
public:
  Collected(Family family, std::function<std::vector<Sample>()> samples)
    : family_(std::move(family)), samples_(std::move(samples)) {
    // nop
  }

  void collect(std::vector<Family>& families) const override {
    families.push_back(family_);
    families.back().samples = samples_();
  }

private:
  Family family_;
  std::function<std::vector<Sample>()> samples_;
};

} // namespace

std::string render(const std::vector<Family>& families) {
  auto out = std::string{};
  for (const auto& family : families) {
    out.append("# HELP ").append(family.name).append(" ");
    append_escaped(out, family.help, false);
    out.append("\n# TYPE ").append(family.name).append(" ").append(name_of(family.type)).append("\n");
    for (const auto& sample : family.samples)
      append_sample(out, family.name, sample);
  }
  return out;
}

Bounds long_bounds() {
  return long_table;
}

Bounds short_bounds() {
  return short_table;
}

// -- histogram ----------------------------------------------------------------------------------------------------------

Histogram::Histogram(Bounds bounds)
  : bounds_(bounds), buckets_(std::make_unique<std::atomic<uint64_t>[]>(bounds.size() + 1)) {
  // nop
}

void Histogram::observe(nanoseconds duration) noexcept {
  duration = std::max(duration, nanoseconds{0});
  auto bucket = std::lower_bound(bounds_.begin(), bounds_.end(), duration) - bounds_.begin();
  buckets_[static_cast<size_t>(bucket)].fetch_add(1, std::memory_order_relaxed);
  sum_.fetch_add(static_cast<uint64_t>(duration.count()), std::memory_order_relaxed);
}

uint64_t Histogram::count() const noexcept {
  auto result = uint64_t{0};
  for (auto i = size_t{0}; i <= bounds_.size(); ++i)
    result += buckets_[i].load(std::memory_order_relaxed);
  return result;
}

void Histogram::sample(const Labels& labels, std::vector<Sample>& samples) const {
  auto with_bound = [&](std::string bound) {
    auto result = labels;
    result.emplace_back("le", std::move(bound));
    return result;
  };
  // The count is that of the last bucket, so that both agree whatever is observed meanwhile.
  auto count = uint64_t{0};
  for (auto i = size_t{0}; i < bounds_.size(); ++i) {
    count += buckets_[i].load(std::memory_order_relaxed);
    samples.push_back({with_bound(number(seconds(bounds_[i]))), static_cast<double>(count), "_bucket"});
  }
  count += buckets_[bounds_.size()].load(std::memory_order_relaxed);
  samples.push_back({with_bound("+Inf"), static_cast<double>(count), "_bucket"});
  auto sum = nanoseconds{sum_.load(std::memory_order_relaxed)};
  samples.push_back({labels, seconds(sum), "_sum"});
  samples.push_back({labels, static_cast<double>(count), "_count"});
}

// -- families -----------------------------------------------------------------------------------------------------------

template <class Metric>
Metric& FamilyOf<Metric>::with(const std::vector<std::string>& values) {
  auto guard = std::lock_guard{mutex_};
  auto& metric = metrics_[values];
  if (!metric) {
    if constexpr (std::is_same_v<Metric, Histogram>)
      metric = std::make_unique<Histogram>(bounds_);
    else
      metric = std::make_unique<Metric>();
  }
  return *metric;
}

template <class Metric>
void FamilyOf<Metric>::collect(std::vector<Family>& families) const {
  auto family = Family{name_, help_, type_of(static_cast<const Metric*>(nullptr)), {}};
  auto guard = std::lock_guard{mutex_};
  for (const auto& [values, metric] : metrics_) {
    auto labels = Labels{};
    for (auto i = size_t{0}; i < labels_.size() && i < values.size(); ++i)
      labels.emplace_back(labels_[i], values[i]);
    sample_of(*metric, labels, family.samples);
  }
  families.push_back(std::move(family));
}

template class FamilyOf<Counter>;
template class FamilyOf<Gauge>;
template class FamilyOf<Histogram>;

// -- registry -----------------------------------------------------------------------------------------------------------

template <class T, class... Args>
T& Registry::add(Args&&... args) {
  auto source = std::make_unique<T>(std::forward<Args>(args)...);
  auto& result = *source;
  auto guard = std::lock_guard{mutex_};
  sources_.push_back(std::move(source));
  return result;
}

Counters& Registry::counters(std::string name, std::string help, std::vector<std::string> labels) {
  return add<Counters>(std::move(name), std::move(help), std::move(labels));
}

Gauges& Registry::gauges(std::string name, std::string help, std::vector<std::string> labels) {
  return add<Gauges>(std::move(name), std::move(help), std::move(labels));
}

Histograms& Registry::histograms(std::string name, std::string help, std::vector<std::string> labels, Bounds bounds) {
  return add<Histograms>(std::move(name), std::move(help), std::move(labels), bounds);
}

void Registry::collect(std::string name, std::string help, Type type, std::function<std::vector<Sample>()> samples) {
  add<Collected>(Family{std::move(name), std::move(help), type, {}}, std::move(samples));
}

std::vector<Family> Registry::gather() const {
  auto result = std::vector<Family>{};
  {
    auto guard = std::lock_guard{mutex_};
    for (const auto& source : sources_)
      source->collect(result);
  }
  std::sort(result.begin(), result.end(), [](const auto& x, const auto& y) { return x.name < y.name; });
  return result;
}

} // namespace berth::metrics
