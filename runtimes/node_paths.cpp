#include "runtimes/node_paths.hpp"

#include <cstdio>

namespace berth {

namespace {

/// FNV-1a: short, and the same on every build, unlike std::hash.
uint32_t stable_hash(const std::string& text) {
  auto result = uint32_t{2166136261u};
  for (auto c : text)
    result = (result ^ static_cast<unsigned char>(c)) * 16777619u;
  return result;
}

} // namespace

std::string NodePaths::state_root(RuntimeKind kind, const PoolSettings& pool) const {
  switch (kind) {
    case RuntimeKind::runc:
      return run_directory + "/runc/" + pool.name.value;
    case RuntimeKind::gvisor:
      return gvisor_root_of(pool) + cgroup_base + "/" + pool.name.value;
  }
  return {};
}

NodePaths node_paths(const std::string& root) {
  if (root.empty())
    return {"/run/berth", "/var/lib/berth", "/run/berth/berth.sock", "/run/gvisor", "/berth"};
  char base[32];
  std::snprintf(base, sizeof(base), "/berth-%08x", stable_hash(root));
  return {root + "/run", root + "/state", root + "/berth.sock", root + "/run/gvisor", base};
}

} // namespace berth
