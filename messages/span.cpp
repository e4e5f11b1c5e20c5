#include "messages/span.hpp"

namespace berth {

const char* to_string(TracingMode mode) {
  switch (mode) {
    case TracingMode::off: return "off";
    case TracingMode::requested: return "requested";
    case TracingMode::all: return "all";
  }
  return "";
}

std::optional<TracingMode> parse_tracing_mode(std::string_view text) {
  for (auto mode : {TracingMode::off, TracingMode::requested, TracingMode::all})
    if (text == to_string(mode))
      return mode;
  return std::nullopt;
}

const char* to_string(SpanKind kind) {
  switch (kind) {
    case SpanKind::request: return "request";
    case SpanKind::message: return "message";
    case SpanKind::answer: return "answer";
    case SpanKind::work: return "work";
  }
  return "";
}

const char* to_string(SpanOutcome outcome) {
  switch (outcome) {
    case SpanOutcome::ok: return "ok";
    case SpanOutcome::failed: return "failed";
    case SpanOutcome::dropped: return "dropped";
    case SpanOutcome::crashed: return "crashed";
  }
  return "";
}

} // namespace berth
