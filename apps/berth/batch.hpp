#pragma once

#include "apps/berth/session.hpp"

#include <functional>
#include <string>
#include <vector>

namespace berth::cli {

/// Does the same to several containers.
struct Batch {
  /// One container; gives its JSON (or nothing worth showing).
  std::function<Answer<std::string>(const std::string& id)> work;
  /// What to print for a success when people read it; empty: nothing.
  std::function<std::string(const std::string& id, const std::string& json)> print;
  /// How many at a time.
  size_t parallel = 16;
  /// JSON is a list even for a single container.
  bool always_list = false;
};

/// Works on all ids, each once, and prints results in the order of the ids: as soon as all before it are there, or as
/// JSON at the end (one object if one id was given, a list else). Failures do not stop the others. Gives the exit code.
int perform_batch(const Session& session, const std::vector<std::string>& ids, bool json, const Batch& batch);

/// {"id":"…"}
std::string id_object(const std::string& id);

} // namespace berth::cli
