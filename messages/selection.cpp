#include "messages/selection.hpp"

namespace berth {

const char* to_string(SelectionReason reason) {
  switch (reason) {
    case SelectionReason::configured: return "configured";
    case SelectionReason::gpu: return "gpu";
    case SelectionReason::checkpoint: return "checkpoint";
    case SelectionReason::fallback: return "fallback";
  }
  return "?";
}

const char* to_string(RuntimeSource source) {
  switch (source) {
    case RuntimeSource::pool: return "pool";
    case RuntimeSource::worker: return "worker";
    case RuntimeSource::builtin: return "default";
  }
  return "?";
}

} // namespace berth
