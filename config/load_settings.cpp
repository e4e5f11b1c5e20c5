#include "config/load_settings.hpp"

#include "config/read_sections.hpp"
#include "config/spelling.hpp"
#include "config/yaml_reader.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <iterator>
#include <numeric>

namespace berth {
namespace {

/// Each pool costs some actors and a directory, and one or two probes at the start.
constexpr size_t max_pools = 1000;

/// Gives a pool's keys their own names where a synonym of the reference system was used. It is done
/// for each file, so that a drop-in may use either name for what another file wrote with the other.
void resolve_synonyms(YamlNode& pool, const std::string& path, ErrorList& errors) {
  struct Synonym {
    std::string_view name;
    std::string_view other;
  };
  for (auto [name, other] : {Synonym{"runtime", "containerRuntime"},
                             Synonym{"runtimeConfig", "containerRuntimeConfig"}}) {
    auto synonym = pool.find(other);
    if (synonym == nullptr)
      continue;
    auto own = pool.find(name);
    if (own == nullptr) {
      synonym->synonym = std::exchange(synonym->key, std::string{name});
      continue;
    }
    auto described = [](const YamlEntry* entry) {
      return in_quotes(entry->key) + " (line " + std::to_string(entry->origin.line) + ")";
    };
    auto own_first = std::pair{own->origin.line, own->origin.column}
                     < std::pair{synonym->origin.line, synonym->origin.column};
    auto [first, second] = own_first ? std::pair{own, synonym} : std::pair{synonym, own};
    errors.add(second->origin, path,
               described(first) + " and " + described(second) + " mean the same, keep one of them");
    pool.entries.erase(pool.entries.begin() + (synonym - pool.entries.data()));
  }
}

/// Reads the short form `runtimeConfig.gvisorPlatform: ptrace` of a pool as the map that it stands
/// for.
void resolve_dotted_keys(YamlNode& pool, const std::string& path, ErrorList& errors) {
  constexpr auto sections =
      std::array<std::string_view, 2>{"runtimeConfig", "containerRuntimeConfig"};
  auto is_dotted = [&](const YamlEntry& entry) {
    auto dot = entry.key.find('.');
    auto name = std::string_view{entry.key}.substr(0, dot);
    return dot != std::string::npos
           && std::find(sections.begin(), sections.end(), name) != sections.end()
           && find_key(runtime_config_keys(), std::string_view{entry.key}.substr(dot + 1))
                  != nullptr;
  };
  auto others =
      std::stable_partition(pool.entries.begin(), pool.entries.end(), std::not_fn(is_dotted));
  auto dotted = std::vector<YamlEntry>{std::make_move_iterator(others),
                                       std::make_move_iterator(pool.entries.end())};
  pool.entries.erase(others, pool.entries.end());
  for (auto& entry : dotted) {
    auto dot = entry.key.find('.');
    auto name = entry.key.substr(0, dot);
    entry.key.erase(0, dot + 1);
    auto section = pool.find(name);
    if (section == nullptr) {
      pool.entries.push_back({name, {}, entry.origin, {}});
      section = &pool.entries.back();
      section->value.origin = entry.origin;
    }
    if (section->value.kind == YamlNode::Kind::null)
      section->value.kind = YamlNode::Kind::map;
    if (auto first = section->value.find(entry.key))
      errors.add(entry.origin, join_path(path, name),
                 "key " + in_quotes(entry.key) + " is given twice (first in line "
                     + std::to_string(first->origin.line) + ")");
    else
      section->value.entries.push_back(std::move(entry));
  }
}

void resolve_short_forms(YamlNode& root, ErrorList& errors) {
  auto worker = root.find("worker");
  auto pools = worker == nullptr ? nullptr : worker->value.find("pools");
  if (pools == nullptr)
    return;
  for (auto& pool : pools->value.entries) {
    auto path = join_path("worker.pools", pool.key);
    resolve_dotted_keys(pool.value, path, errors);
    resolve_synonyms(pool.value, path, errors);
  }
}

/// Lists the sections that other programs have in the same file.
void ignore_other_sections(const YamlNode& root, LoadState& state) {
  constexpr auto sections = std::array<std::string_view, 2>{"worker", "berth"};
  for (const auto& entry : root.entries) {
    if (std::find(sections.begin(), sections.end(), entry.key) != sections.end())
      continue;
    auto why = std::string{"only the sections worker and berth are read"};
    if (auto meant = nearest(entry.key, sections); !meant.empty())
      why += " (did you mean " + in_quotes(meant) + "?)";
    // Not a section of somebody else, but one of ours that would have no effect.
    if (entry.key.starts_with("worker.") || entry.key.starts_with("berth."))
      state.errors.add(entry.origin, {},
                       "unknown key " + in_quotes(entry.key)
                           + " (write one key below the other, without dots)");
    else
      state.settings.ignored.push_back({entry.key, std::move(why), entry.origin});
  }
}

/// Reports a configuration without pools where the operator would have to write them. A worker that has other settings may
/// be meant so: its pools come in a drop-in one day.
void report_no_pools(const YamlNode& root, const std::string& file, LoadState& state) {
  auto where = Origin{file, 0, 0};
  auto hint = std::string{};
  auto worker = root.find("worker");
  auto pools = worker == nullptr ? root.find("pools") : worker->value.find("pools");
  if (pools != nullptr && worker == nullptr)
    hint = " (\"pools\" belongs below \"worker\")";
  else if (worker == nullptr)
    for (const auto& ignored : state.settings.ignored)
      if (nearest(ignored.path, std::array<std::string_view, 1>{"worker"}) != "")
        hint = " (did you mean \"worker\" by " + in_quotes(ignored.path) + " in line "
               + std::to_string(ignored.origin.line) + "?)";
  if (pools == nullptr && worker != nullptr && !worker->value.entries.empty()) {
    state.settings.notices.push_back({"worker", "has no pools, so nothing can be launched", worker->origin});
    return;
  }
  if (pools != nullptr)
    where = pools->origin;
  else if (worker != nullptr)
    where = worker->origin;
  state.errors.add(std::move(where), {}, "no pools configured under worker.pools" + hint);
}

void read_pools(const YamlNode& pools, LoadState& state) {
  if (pools.entries.size() > max_pools) {
    state.errors.add(pools.origin, "worker.pools",
                     "more than " + std::to_string(max_pools) + " pools");
    return;
  }
  for (const auto& entry : pools.entries) {
    if (!is_valid_name(entry.key))
      state.errors.add(entry.origin, "worker.pools",
                       in_quotes(entry.key)
                           + " is not a pool name (letters, digits, _ . and -, a letter or digit "
                             "first, at most 64)");
    else if (is_cgroup_file_name(entry.key))
      state.errors.add(entry.origin, "worker.pools",
                       in_quotes(entry.key)
                           + " cannot be the name of a pool: the kernel has files of such names "
                             "where the pool's cgroup would be");
    // Whatever its name, what is in it is checked.
    read_pool(entry, state);
  }
}

void read_worker(const YamlNode& root, const std::string& main_file, LoadState& state) {
  auto entry = root.find("worker");
  auto errors_in_worker =
      entry != nullptr
      && ((entry->value.kind != YamlNode::Kind::map && entry->value.kind != YamlNode::Kind::null)
          || !entry->value.tag.empty());
  auto section =
      Section{entry == nullptr ? nullptr : &entry->value, "worker", worker_keys(), state};
  read_runtime(section, "containerRuntime", state.settings.worker.container_runtime);
  read_grace_period(section, state.settings.worker.termination_grace_period);
  if (errors_in_worker)
    return;
  auto pools = section.get("pools");
  if (pools == nullptr || (pools->kind == YamlNode::Kind::map && pools->entries.empty()))
    report_no_pools(root, main_file, state);
  else if (check_kind(*pools, YamlNode::Kind::map, "worker.pools", state.errors))
    read_pools(*pools, state);
}

} // namespace

std::string objection_to_size(size_t files, size_t bytes) {
  if (files > max_config_files)
    return "more than " + std::to_string(max_config_files) + " files together with its drop-ins";
  if (bytes > max_config_size)
    return "larger than " + std::to_string(max_config_size) + " bytes together with its drop-ins";
  return {};
}

LoadResult load_settings(const std::vector<ConfigText>& texts) {
  auto bytes = std::accumulate(texts.begin(), texts.end(), size_t{0},
                               [](size_t sum, const ConfigText& text) { return sum + text.text.size(); });
  if (auto objection = objection_to_size(texts.size(), bytes); !objection.empty())
    return tl::unexpected{std::vector{ConfigError{{texts.front().file, 0, 0}, {}, std::move(objection)}}};
  auto state = LoadState{};
  auto root = YamlNode{};
  root.kind = YamlNode::Kind::map;
  auto files = std::vector<std::string>{};
  auto all_readable = true;
  for (const auto& [file, text] : texts) {
    files.push_back(file);
    auto tree = read_yaml(file, text, state.errors);
    if (!tree || !check_kind(*tree, YamlNode::Kind::map, {}, state.errors)) {
      all_readable = false;
      continue;
    }
    resolve_short_forms(*tree, state.errors);
    merge_into(root, std::move(*tree));
  }
  // What is in the other files says little without the one that could not be read.
  if (all_readable) {
    ignore_other_sections(root, state);
    auto berth = root.find("berth");
    read_node_settings(berth == nullptr ? nullptr : &berth->value, state);
    read_worker(root, files.empty() ? std::string{} : files.front(), state);
  }
  if (!state.errors.empty())
    return tl::unexpected{std::move(state.errors).sorted(files)};
  return std::move(state.settings);
}

LoadResult load_config(const std::string& path) {
  auto texts = read_config_files(path);
  if (!texts)
    return tl::unexpected{std::move(texts.error())};
  return load_settings(*texts);
}

} // namespace berth
