#pragma once

#include "apps/berth/failure.hpp"

#include <nlohmann/json.hpp>

namespace berth::cli {

// What the daemon's answers hold: a value that is missing or of another type counts as empty, so that this command understands
// a daemon that is older or newer.

/// Keys keep the order in which the daemon gave them.
using Json = nlohmann::ordered_json;

inline std::string text(const Json& json, const char* key) {
  auto found = json.find(key);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

inline uint64_t number(const Json& json, const char* key) {
  auto found = json.find(key);
  return found != json.end() && found->is_number_unsigned() ? found->get<uint64_t>() : 0;
}

inline tl::unexpected<Failure> not_understood() {
  return tl::unexpected{Failure{"bad_answer", "the daemon's answer is not understood (is this the socket of berthd?)"}};
}

} // namespace berth::cli
