#include "tests/e2e/traces.hpp"

#include "runtimes/timestamp.hpp"

#include <algorithm>

namespace berth::test {

namespace {

int64_t time_of(const Json& span, const char* key) {
  auto time = parse_timestamp(span.at(key).get<std::string>());
  REQUIRE(time);
  return time->ns;
}

} // namespace

std::vector<TracedSpan> spans_of(const TestNode& node, Argv args) {
  args.insert(args.begin(), "trace");
  auto answer = node.query(args);
  auto result = std::vector<TracedSpan>{};
  for (const auto& span : answer.at("spans"))
    result.push_back({span, span.at("traceId"), span.at("spanId"), span.at("parentSpanId"), span.at("kind"), span.at("name"),
                      time_of(span, "queuedAt"), time_of(span, "beganAt"), time_of(span, "endedAt")});
  return result;
}

std::map<std::string, std::vector<TracedSpan>> by_trace(const std::vector<TracedSpan>& spans) {
  auto result = std::map<std::string, std::vector<TracedSpan>>{};
  for (const auto& span : spans)
    result[span.trace].push_back(span);
  return result;
}

std::string fault_of_tree(const std::vector<TracedSpan>& spans) {
  auto by_id = std::map<std::string, const TracedSpan*>{};
  for (const auto& span : spans)
    if (!by_id.emplace(span.id, &span).second)
      return "two spans have the id " + span.id;
  auto roots = 0;
  for (const auto& span : spans) {
    if (span.queued > span.began || span.began > span.ended)
      return span.name + " ends before it begins";
    if (span.kind == "request") {
      ++roots;
      continue;
    }
    auto parent = by_id.find(span.parent);
    if (parent == by_id.end())
      return "the cause of " + span.name + " to " + span.json["to"].dump() + " is not there";
    if (span.queued < parent->second->queued)
      return span.name + " is older than its cause " + parent->second->name;
  }
  return roots == 1 ? "" : std::to_string(roots) + " beginnings";
}

double explained(const std::vector<TracedSpan>& spans) {
  auto root = std::find_if(spans.begin(), spans.end(), [](const auto& span) { return span.kind == "request"; });
  if (root == spans.end())
    return 0;
  auto intervals = std::vector<std::pair<int64_t, int64_t>>{};
  for (const auto& span : spans)
    if (span.kind != "request")
      intervals.emplace_back(std::max(span.queued, root->queued), std::min(span.ended, root->ended));
  std::sort(intervals.begin(), intervals.end());
  auto covered = int64_t{0};
  auto reached = root->queued;
  for (auto [from, to] : intervals) {
    covered += std::max<int64_t>(0, to - std::max(from, reached));
    reached = std::max(reached, to);
  }
  return static_cast<double>(covered) / static_cast<double>(root->ended - root->queued);
}

std::string longest_gap(const std::vector<TracedSpan>& spans) {
  auto sorted = std::vector<const TracedSpan*>{};
  for (const auto& span : spans)
    if (span.kind != "request")
      sorted.push_back(&span);
  std::sort(sorted.begin(), sorted.end(), [](auto* x, auto* y) { return x->queued < y->queued; });
  auto root = std::find_if(spans.begin(), spans.end(), [](const auto& span) { return span.kind == "request"; });
  if (root == spans.end() || sorted.empty())
    return "no request";
  auto reached = root->queued;
  auto before = std::string{"the beginning"};
  auto longest = int64_t{0};
  auto result = std::string{};
  auto look = [&](int64_t until, const std::string& after) {
    if (until - reached <= longest)
      return;
    longest = until - reached;
    result = std::to_string(longest / 1000) + " us between " + before + " and " + after;
  };
  for (auto* span : sorted) {
    look(std::min(span->queued, root->ended), span->name);
    if (span->ended > reached) {
      reached = span->ended;
      before = span->name;
    }
  }
  look(root->ended, "the end");
  return result;
}

const TracedSpan* find_span(const std::vector<TracedSpan>& spans, const std::string& name) {
  auto found = std::find_if(spans.begin(), spans.end(), [&](const auto& span) { return span.name == name; });
  return found == spans.end() ? nullptr : &*found;
}

} // namespace berth::test
