#include "apps/berth/format.hpp"
#include "apps/berth/table.hpp"
#include "apps/berth/trace_view.hpp"

#include <cstdio>

namespace berth::cli {

namespace {

constexpr int time_columns = 11;
constexpr double ns_per_ms = 1e6;

/// Right-aligned milliseconds, to the microsecond.
std::string milliseconds(int64_t ns) {
  char text[32];
  std::snprintf(text, sizeof(text), "%*.3f", time_columns, static_cast<double>(ns) / ns_per_ms);
  return text;
}

/// "pool web", "container web-1", "node".
std::string name_of(const SpanActor& actor) {
  if (!actor.container.value.empty() && actor.kind != "api")
    return actor.kind + " " + actor.container.value;
  if (!actor.pool.value.empty() && actor.kind != "api")
    return actor.kind + " " + actor.pool.value;
  return actor.kind;
}

std::string trouble_of(const SpanInfo& span) {
  if (span.outcome == SpanOutcome::ok)
    return {};
  return "  " + std::string{span.code.empty() ? to_string(span.outcome) : span.code};
}

std::string what_of(const SpanInfo& span) {
  switch (span.kind) {
    case SpanKind::request: return span.name;
    case SpanKind::work: return span.name + (span.to.kind.empty() ? "" : "  (" + name_of(span.to) + ")");
    case SpanKind::answer: return name_of(span.to) + " <- " + span.name + (span.from.kind.empty() ? "" : "  (" + name_of(span.from) + ")");
    case SpanKind::message: return name_of(span.to) + " <- " + span.name;
  }
  return span.name;
}

std::string row(const SpanInfo& span, size_t depth, Timestamp begin, bool is_longest, bool in_colour) {
  auto wait = span.began.ns - span.queued.ns;
  auto is_message = span.kind == SpanKind::message || span.kind == SpanKind::answer;
  auto line = milliseconds(span.queued.ns - begin.ns) + (is_message ? milliseconds(wait) : std::string(time_columns - 1, ' ') + "-")
              + milliseconds(span.ended.ns - span.began.ns) + "  " + std::string(2 * depth, ' ') + printable(what_of(span));
  if (auto trouble = trouble_of(span); !trouble.empty())
    line += in_colour ? coloured(printable(trouble), Tone::bad) : printable(trouble);
  if (is_longest)
    line += in_colour ? coloured("  <- longest wait", Tone::warning) : "  <- longest wait";
  return line + "\n";
}

std::string heading(const TraceTree& tree) {
  auto subject = std::string{};
  for (const auto& node : tree.nodes)
    if (node.span->kind == SpanKind::request && !node.span->to.container.value.empty()) {
      subject = "  container " + node.span->to.container.value;
      break;
    }
  auto text = "trace " + to_string(tree.trace) + subject + "  " + std::to_string(tree.nodes.size()) + " spans in "
              + format_span(std::chrono::nanoseconds{tree.end.ns - tree.begin.ns}) + ", from " + to_string(tree.begin) + "\n";
  if (tree.longest != nullptr)
    text += "longest wait: " + format_span(tree.longest_wait) + " in " + printable(what_of(*tree.longest)) + "\n";
  if (tree.explained >= 0) {
    char percent[16];
    std::snprintf(percent, sizeof(percent), "%.1f%%", 100 * tree.explained);
    text += "explained: " + std::string{percent} + " of the request's time\n";
  }
  if (tree.roots > 1)
    text += std::to_string(tree.roots) + " beginnings: the cause of some spans is not recorded, or not kept any more\n";
  return text;
}

} // namespace

std::string to_text(const std::vector<TraceTree>& trees, bool in_colour) {
  auto text = std::string{};
  for (const auto& tree : trees) {
    text += (text.empty() ? "" : "\n") + heading(tree);
    text += "      AT ms    WAIT ms    WORK ms  WHAT\n";
    for (const auto& node : tree.nodes)
      text += row(*node.span, node.depth, tree.begin, node.span == tree.longest, in_colour);
  }
  return text;
}

std::string to_line(const SpanInfo& span) {
  auto time = to_string(span.queued);
  auto from = span.from.kind.empty() ? std::string{} : name_of(span.from) + " -> ";
  auto what = span.kind == SpanKind::request ? span.name : from + (span.to.kind.empty() ? "" : name_of(span.to) + "  ") + span.name;
  return time + milliseconds(span.began.ns - span.queued.ns) + milliseconds(span.ended.ns - span.began.ns) + "  " + what
         + trouble_of(span) + "  " + to_string(span.trace);
}

} // namespace berth::cli
