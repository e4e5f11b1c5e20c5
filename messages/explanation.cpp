#include "messages/explanation.hpp"

#include <algorithm>

namespace berth {

namespace {

/// Enough for what one generation gives, and few enough to be looked through at each launch.
constexpr size_t shelf_size = 16;

} // namespace

const char* to_string(SelectionRule rule) {
  switch (rule) {
    case SelectionRule::none: return "none";
    case SelectionRule::runc_configured: return "runc_configured";
    case SelectionRule::gvisor_configured: return "gvisor_configured";
    case SelectionRule::override_allowed: return "override_allowed";
    case SelectionRule::override_denied: return "override_denied";
    case SelectionRule::fallback_allowed: return "fallback_allowed";
    case SelectionRule::fallback_denied: return "fallback_denied";
    case SelectionRule::no_usable_runtime: return "no_usable_runtime";
  }
  return "?";
}

const char* to_string(Outcome outcome) {
  switch (outcome) {
    case Outcome::chosen: return "chosen";
    case Outcome::refused: return "refused";
    case Outcome::not_needed: return "not_needed";
  }
  return "?";
}

SharedExplanation ExplanationShelf::share(Explanation explanation) {
  auto known = std::find_if(kept_.begin(), kept_.end(), [&](const auto& x) { return *x == explanation; });
  if (known != kept_.end())
    return {*known};
  if (kept_.size() == shelf_size)
    kept_.pop_front();
  return {kept_.emplace_back(std::make_shared<const Explanation>(std::move(explanation)))};
}

} // namespace berth
