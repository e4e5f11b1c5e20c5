#include "actors/policy/select_spans.hpp"

#include <algorithm>
#include <set>
#include <unordered_map>

namespace berth {

namespace {

bool is_about(const SpanInfo& span, const ContainerId& container) {
  return span.to.container == container || span.from.container == container;
}

bool is_actor(const SpanActor& actor, const std::string& wanted) {
  return actor.kind == wanted || (actor.number != 0 && std::to_string(actor.number) == wanted);
}

/// Everything but the container.
bool matches_rest(const SpanFilter& filter, const SpanInfo& span) {
  if (!filter.pool.value.empty() && span.to.pool != filter.pool && span.from.pool != filter.pool)
    return false;
  if (filter.trace && span.trace != filter.trace)
    return false;
  if (!filter.actor.empty() && !is_actor(span.to, filter.actor) && !is_actor(span.from, filter.actor))
    return false;
  if (!filter.message.empty() && span.name != filter.message)
    return false;
  return span.ended.ns - span.queued.ns >= filter.slow.count();
}

/// Marks what is known of a container.
class Relatives {
public:
  Relatives(const std::deque<SpanInfo>& spans, const ContainerId& container)
    : spans_(spans), marks_(spans.size()), reached_(spans.size()) {
    for (size_t i = 0; i < spans.size(); ++i) {
      by_id_.emplace(spans[i].id, i);
      children_.emplace(spans[i].parent, i);
    }
    auto own = std::set<TraceId>{};
    for (const auto& span : spans)
      if (span.kind == SpanKind::request && is_about(span, container))
        own.insert(span.trace);
    for (size_t i = 0; i < spans.size(); ++i)
      if (own.count(spans[i].trace) > 0)
        marks_[i] = true;
    for (size_t i = 0; i < spans.size(); ++i)
      if (is_about(spans[i], container)) {
        mark_causes(i);
        mark_consequences(i);
      }
  }

  bool has(size_t index) const {
    return marks_[index];
  }

private:
  void mark_causes(size_t index) {
    // What is marked has its causes marked, or is a consequence whose causes lead here anyway.
    for (auto i = by_id_.find(spans_[index].parent); i != by_id_.end() && !marks_[i->second];
         i = by_id_.find(spans_[i->second].parent))
      marks_[i->second] = true;
  }

  void mark_consequences(size_t index) {
    auto open = std::vector<size_t>{index};
    while (!open.empty()) {
      auto i = open.back();
      open.pop_back();
      if (reached_[i])
        continue;
      reached_[i] = marks_[i] = true;
      auto [first, last] = children_.equal_range(spans_[i].id);
      for (; first != last; ++first)
        open.push_back(first->second);
    }
  }

  const std::deque<SpanInfo>& spans_;
  std::vector<bool> marks_;
  std::vector<bool> reached_;
  std::unordered_map<uint64_t, size_t> by_id_;
  std::unordered_multimap<uint64_t, size_t> children_;
};

} // namespace

bool matches(const SpanFilter& filter, const SpanInfo& span) {
  return (filter.container.value.empty() || is_about(span, filter.container)) && matches_rest(filter, span);
}

std::vector<SpanInfo> select_spans(const std::deque<SpanInfo>& spans, const SpanFilter& filter) {
  auto result = std::vector<SpanInfo>{};
  auto relatives = std::optional<Relatives>{};
  if (!filter.container.value.empty())
    relatives.emplace(spans, filter.container);
  for (size_t i = 0; i < spans.size(); ++i)
    if ((!relatives || relatives->has(i)) && matches_rest(filter, spans[i]))
      result.push_back(spans[i]);
  return result;
}

} // namespace berth
