#include "apps/berth/trace_view.hpp"

#include <nlohmann/json.hpp>

#include <map>
#include <unordered_map>

namespace berth::cli {

namespace {

using Json = nlohmann::ordered_json;

/// One process, with a track for each actor.
constexpr int process = 1;

double microseconds(int64_t ns) {
  return static_cast<double>(ns) / 1e3;
}

std::string hex(uint64_t id) {
  return to_string(TraceId{0, id}).substr(16);
}

std::string track_name(const SpanActor& actor) {
  auto subject = !actor.container.value.empty() ? actor.container.value : actor.pool.value;
  return actor.kind + (subject.empty() ? "" : " " + subject) + " #" + std::to_string(actor.number);
}

class Events {
public:
  /// Times in the file count from `begin`: a double cannot hold nanoseconds since 1970.
  explicit Events(Timestamp begin) : begin_(begin) {
    add_metadata("process_name", 0, "berthd");
  }

  void add(const SpanInfo& span) {
    if (span.kind == SpanKind::request || span.kind == SpanKind::work)
      add_async(span);
    else
      add_handling(span);
  }

  /// An arrow from where a message was sent to where it is handled.
  void add_flow(const SpanInfo& cause, const SpanInfo& span) {
    if (cause.to.number == 0 || span.to.number == 0)
      return;
    list_.push_back({{"ph", "s"}, {"cat", "cause"}, {"name", "sent"}, {"id", hex(span.id)}, {"pid", process},
                     {"tid", cause.to.number}, {"ts", at(span.queued)}});
    list_.push_back({{"ph", "f"}, {"bp", "e"}, {"cat", "cause"}, {"name", "sent"}, {"id", hex(span.id)}, {"pid", process},
                     {"tid", span.to.number}, {"ts", at(span.began)}});
  }

  Json take() {
    for (const auto& [number, name] : tracks_)
      add_metadata("thread_name", number, name);
    return std::move(list_);
  }

private:
  double at(Timestamp time) const {
    return microseconds(time.ns - begin_.ns);
  }

  void add_metadata(const char* what, uint64_t track, const std::string& name) {
    list_.push_back({{"ph", "M"}, {"name", what}, {"pid", process}, {"tid", track}, {"args", {{"name", name}}}});
  }

  static Json args_of(const SpanInfo& span) {
    auto args = Json{{"traceId", to_string(span.trace)}, {"spanId", hex(span.id)}, {"outcome", to_string(span.outcome)}};
    if (!span.code.empty())
      args["code"] = span.code;
    if (!span.to.pool.value.empty())
      args["pool"] = span.to.pool.value;
    if (!span.to.container.value.empty())
      args["container"] = span.to.container.value;
    return args;
  }

  void add_handling(const SpanInfo& span) {
    tracks_[span.to.number] = track_name(span.to);
    auto args = args_of(span);
    args["waitedUs"] = microseconds(span.began.ns - span.queued.ns);
    list_.push_back({{"ph", "X"}, {"cat", to_string(span.kind)}, {"name", span.name}, {"pid", process},
                     {"tid", span.to.number}, {"ts", at(span.began)},
                     {"dur", microseconds(span.ended.ns - span.began.ns)}, {"args", std::move(args)}});
  }

  /// These overlap, so each has a track of its own.
  void add_async(const SpanInfo& span) {
    auto event = Json{{"ph", "b"}, {"cat", to_string(span.kind)}, {"name", span.name}, {"id", hex(span.id)},
                      {"pid", process}, {"tid", span.to.number}, {"ts", at(span.began)}, {"args", args_of(span)}};
    list_.push_back(event);
    event["ph"] = "e";
    event["ts"] = at(span.ended);
    event.erase("args");
    list_.push_back(std::move(event));
  }

  Timestamp begin_;
  Json list_ = Json::array();
  std::map<uint64_t, std::string> tracks_;
};

} // namespace

std::string to_perfetto(const std::vector<SpanInfo>& spans) {
  auto begin = spans.empty() ? Timestamp{} : spans.front().queued;
  auto by_id = std::unordered_map<uint64_t, const SpanInfo*>{};
  for (const auto& span : spans) {
    begin = std::min(begin, span.queued);
    by_id.emplace(span.id, &span);
  }
  auto events = Events{begin};
  for (const auto& span : spans) {
    events.add(span);
    auto cause = by_id.find(span.parent);
    if (cause != by_id.end() && span.kind != SpanKind::work)
      events.add_flow(*cause->second, span);
  }
  return Json{{"displayTimeUnit", "ms"}, {"otherData", {{"begin", to_string(begin)}}}, {"traceEvents", events.take()}}.dump(
           -1, ' ', false, Json::error_handler_t::replace)
         + "\n";
}

} // namespace berth::cli
