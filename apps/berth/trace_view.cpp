#include "apps/berth/trace_view.hpp"

#include "apps/berth/json_values.hpp"
#include "runtimes/timestamp.hpp"

#include <algorithm>
#include <map>
#include <unordered_map>

namespace berth::cli {

namespace {

Timestamp time(const Json& json, const char* key) {
  return parse_timestamp(text(json, key)).value_or(Timestamp{});
}

/// 16 hexadecimal digits; 0 for none.
uint64_t span_id(const std::string& text) {
  auto id = parse_trace_id("0000000000000000" + text);
  return id ? id->low : 0;
}

SpanActor end_of(const Json& json, const char* key) {
  auto found = json.find(key);
  if (found == json.end() || !found->is_object())
    return {};
  return {text(*found, "kind"), number(*found, "actor"), {text(*found, "pool")}, {text(*found, "container")}};
}

/// The value of this name; the first one for a name that this program does not know.
template <class T>
T choice(const std::string& name, std::initializer_list<T> values) {
  for (auto value : values)
    if (name == to_string(value))
      return value;
  return *values.begin();
}

SpanInfo read_span(const Json& json) {
  auto span = SpanInfo{};
  span.seq = number(json, "seq");
  span.trace = parse_trace_id(text(json, "traceId")).value_or(TraceId{});
  span.id = span_id(text(json, "spanId"));
  span.parent = span_id(text(json, "parentSpanId"));
  span.kind = choice(text(json, "kind"), {SpanKind::message, SpanKind::request, SpanKind::answer, SpanKind::work});
  span.name = text(json, "name");
  span.from = end_of(json, "from");
  span.to = end_of(json, "to");
  span.queued = time(json, "queuedAt");
  span.began = time(json, "beganAt");
  span.ended = time(json, "endedAt");
  span.outcome = choice(text(json, "outcome"), {SpanOutcome::ok, SpanOutcome::failed, SpanOutcome::dropped, SpanOutcome::crashed});
  span.code = text(json, "code");
  return span;
}

/// How much of [begin, end] these intervals cover.
double covered(Timestamp begin, Timestamp end, std::vector<std::pair<int64_t, int64_t>> intervals) {
  if (end <= begin)
    return 1;
  std::sort(intervals.begin(), intervals.end());
  auto sum = int64_t{0};
  auto reached = begin.ns;
  for (auto [from, to] : intervals) {
    from = std::max(from, reached);
    to = std::min(to, end.ns);
    if (to <= from)
      continue;
    sum += to - from;
    reached = to;
  }
  return static_cast<double>(sum) / static_cast<double>(end.ns - begin.ns);
}

class TreeMaker {
public:
  explicit TreeMaker(std::vector<const SpanInfo*> spans) : spans_(std::move(spans)) {
    std::stable_sort(spans_.begin(), spans_.end(), [](auto* x, auto* y) { return x->queued < y->queued; });
    for (auto* span : spans_)
      by_id_.emplace(span->id, span);
    for (auto* span : spans_)
      if (has_cause(*span))
        children_[span->parent].push_back(span);
  }

  TraceTree make() {
    auto tree = TraceTree{};
    tree.trace = spans_.front()->trace;
    tree.begin = spans_.front()->queued;
    for (auto* span : spans_) {
      tree.end = std::max(tree.end, span->ended);
      look_at_wait(tree, *span);
      if (!has_cause(*span)) {
        ++tree.roots;
        add(tree, *span);
      }
    }
    explain(tree);
    return tree;
  }

private:
  bool has_cause(const SpanInfo& span) const {
    return span.parent != 0 && span.parent != span.id && by_id_.count(span.parent) > 0;
  }

  void add(TraceTree& tree, const SpanInfo& root) {
    auto open = std::vector<TraceTree::Node>{{&root, 0}};
    while (!open.empty()) {
      auto node = open.back();
      open.pop_back();
      tree.nodes.push_back(node);
      auto& children = children_[node.span->id];
      for (auto i = children.rbegin(); i != children.rend(); ++i)
        open.push_back({*i, node.depth + 1});
    }
  }

  /// Of what consists of other work, that is told.
  bool has_parts(const SpanInfo& span) const {
    auto children = children_.find(span.id);
    return children != children_.end()
           && std::any_of(children->second.begin(), children->second.end(),
                          [](auto* child) { return child->kind == SpanKind::work; });
  }

  void look_at_wait(TraceTree& tree, const SpanInfo& span) const {
    if (span.kind == SpanKind::request || (span.kind == SpanKind::work && has_parts(span)))
      return;
    auto end = span.kind == SpanKind::work ? span.ended : span.began;
    auto wait = std::chrono::nanoseconds{end.ns - span.queued.ns};
    if (wait <= tree.longest_wait)
      return;
    tree.longest_wait = wait;
    tree.longest = &span;
  }

  void explain(TraceTree& tree) const {
    auto request = std::find_if(spans_.begin(), spans_.end(), [](auto* x) { return x->kind == SpanKind::request; });
    if (request == spans_.end())
      return;
    auto intervals = std::vector<std::pair<int64_t, int64_t>>{};
    for (auto* span : spans_)
      if (span->kind != SpanKind::request)
        intervals.emplace_back(span->queued.ns, span->ended.ns);
    tree.explained = covered((*request)->queued, (*request)->ended, std::move(intervals));
  }

  std::vector<const SpanInfo*> spans_;
  std::unordered_map<uint64_t, const SpanInfo*> by_id_;
  std::unordered_map<uint64_t, std::vector<const SpanInfo*>> children_;
};

} // namespace

Answer<TraceView> read_trace(std::string_view json) {
  auto answer = Json::parse(json, nullptr, false);
  if (!answer.is_object() || !answer.contains("spans") || !answer["spans"].is_array())
    return not_understood();
  auto result = TraceView{{}, number(answer, "missed")};
  for (const auto& span : answer["spans"])
    if (span.is_object())
      result.spans.push_back(read_span(span));
  return result;
}

Answer<TraceView> read_trace_line(std::string_view line) {
  auto json = Json::parse(line, nullptr, false);
  if (!json.is_object())
    return not_understood();
  if (auto type = text(json, "type"); type == "gap")
    return TraceView{{}, std::max<uint64_t>(number(json, "missed"), 1)};
  if (!json.contains("spanId"))
    return not_understood();
  return TraceView{{read_span(json)}, 0};
}

std::vector<TraceTree> make_trees(const std::vector<SpanInfo>& spans) {
  auto by_trace = std::map<TraceId, std::vector<const SpanInfo*>>{};
  for (const auto& span : spans)
    by_trace[span.trace].push_back(&span);
  auto trees = std::vector<TraceTree>{};
  for (auto& [trace, members] : by_trace)
    trees.push_back(TreeMaker{std::move(members)}.make());
  std::stable_sort(trees.begin(), trees.end(), [](const auto& x, const auto& y) { return x.begin < y.begin; });
  return trees;
}

} // namespace berth::cli
