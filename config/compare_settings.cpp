#include "config/compare_settings.hpp"

#include "config/describe_settings.hpp"

#include <algorithm>
#include <map>

namespace berth {
namespace {

constexpr auto pools_prefix = std::string_view{"worker.pools."};

struct Row {
  std::string value;
  std::string source;
};

using RowsByPath = std::map<std::string, Row>;

/// The rows of each pool by their keys below it, and under the empty name those outside of pools.
std::map<std::string, RowsByPath> group(const Settings& settings) {
  auto result = std::map<std::string, RowsByPath>{};
  // Names of pools may hold dots, so they are not to be found in the paths. But the pools come in their order, and the rows of
  // each begin with its runtime.
  auto next = settings.pools.begin();
  auto pool = std::string{};
  for (auto& row : describe(settings)) {
    if (next != settings.pools.end() && row.path == std::string{pools_prefix} + next->first + ".runtime")
      pool = (next++)->first;
    auto key = pool.empty() ? row.path : row.path.substr(pools_prefix.size() + pool.size() + 1);
    result[pool].emplace(std::move(key), Row{std::move(row.value), std::move(row.source)});
  }
  return result;
}

std::vector<SettingDifference> differences(const RowsByPath& before, const RowsByPath& after) {
  auto result = std::vector<SettingDifference>{};
  for (const auto& [key, row] : after) {
    auto old = before.find(key);
    if (old == before.end() || old->second.value != row.value)
      result.push_back({key, old == before.end() ? "" : old->second.value, row.value, row.source});
  }
  for (const auto& [key, row] : before)
    if (!after.contains(key))
      result.push_back({key, row.value, "", ""});
  std::sort(result.begin(), result.end(), [](const auto& x, const auto& y) { return x.key < y.key; });
  return result;
}

/// Takes effect at once, and concerns no pool.
bool needs_nothing(const std::string& node_setting) {
  return node_setting.starts_with("berth.log.") || node_setting == "berth.tracing.mode";
}

} // namespace

bool concerns_pools(const std::string& node_setting) {
  return node_setting.starts_with("berth.runtimes.") || node_setting == "berth.startTimeout"
         || node_setting == "berth.probeTimeout";
}

SettingsDifference compare(const Settings& before, const Settings& after) {
  auto old_groups = group(before);
  auto new_groups = group(after);
  auto result = SettingsDifference{};
  result.node = differences(old_groups[""], new_groups[""]);
  // Defaults of the pools: the pools that they reach have changed themselves.
  std::erase_if(result.node, [](const auto& x) { return x.key.starts_with("worker."); });
  for (const auto& difference : result.node)
    if (!concerns_pools(difference.key) && !needs_nothing(difference.key))
      result.needs_restart.push_back(difference.key);
  auto all_change = std::any_of(result.node.begin(), result.node.end(),
                                [](const auto& x) { return concerns_pools(x.key); });
  for (const auto& [name, pool] : after.pools) {
    auto is_new = !before.pools.contains(name);
    auto settings = differences(is_new ? RowsByPath{} : old_groups[name], new_groups[name]);
    if (is_new)
      result.pools.push_back({pool.name, PoolChangeKind::added, std::move(settings)});
    else if (!settings.empty() || all_change)
      result.pools.push_back({pool.name, PoolChangeKind::changed, std::move(settings)});
  }
  for (const auto& [name, pool] : before.pools)
    if (!after.pools.contains(name))
      result.pools.push_back({pool.name, PoolChangeKind::removed, {}});
  std::sort(result.pools.begin(), result.pools.end(), [](const auto& x, const auto& y) { return x.name < y.name; });
  return result;
}

} // namespace berth
