#include "actors/policy/take_over.hpp"

#include "actors/policy/config_digest.hpp"
#include "config/compare_settings.hpp"
#include "config/load_settings.hpp"

#include <algorithm>
#include <set>

namespace berth {

namespace {

using SettingsPtr = std::shared_ptr<const Settings>;

SettingsPtr load(const std::vector<ConfigFile>& files) {
  auto texts = std::vector<ConfigText>{};
  for (const auto& file : files)
    texts.push_back({file.name, file.text});
  auto loaded = load_settings(texts);
  return loaded ? std::make_shared<const Settings>(std::move(*loaded)) : nullptr;
}

/// Settings of revisions, each read at most once.
class SettingsOf {
public:
  explicit SettingsOf(const ConfigHistory& journal) {
    for (const auto& revision : journal.revisions)
      files_[revision.info.number] = &revision.files;
    for (const auto& generation : journal.generations)
      revisions_[{generation.pool, generation.number}] = generation.revision;
  }

  /// Null if the revision is not kept, or if this berthd cannot read it.
  SettingsPtr revision(uint64_t number) {
    auto known = loaded_.find(number);
    if (known != loaded_.end())
      return known->second;
    auto files = files_.find(number);
    return loaded_[number] = files == files_.end() ? nullptr : load(*files->second);
  }

  SettingsPtr generation(const PoolName& pool, uint64_t number) {
    auto found = revisions_.find({pool, number});
    auto settings = found == revisions_.end() ? nullptr : revision(found->second);
    return settings && settings->pools.count(pool.value) > 0 ? settings : nullptr;
  }

  /// The revision that made a generation; 0: not known.
  uint64_t maker_of(const PoolName& pool, uint64_t number) const {
    auto found = revisions_.find({pool, number});
    return found == revisions_.end() ? 0 : found->second;
  }

private:
  std::map<uint64_t, const std::vector<ConfigFile>*> files_;
  std::map<std::pair<PoolName, uint64_t>, uint64_t> revisions_;
  std::map<uint64_t, SettingsPtr> loaded_;
};

void choose_settings(TakeOver& result, const ConfigHistory& journal, const Settings& files,
                     const std::vector<ConfigFile>& texts, SettingsOf& settings_of, Timestamp now) {
  for (const auto& revision : journal.revisions)
    result.revisions.push_back({revision, nullptr});
  auto from_files = std::make_shared<const Settings>(files);
  auto digest = digest_of(files);
  auto kept = journal.meta.find(meta_file_digest);
  auto last = result.revisions.empty() ? nullptr : settings_of.revision(result.revisions.back().record.info.number);
  if (last == nullptr && !result.revisions.empty())
    result.notes.push_back("the revision that was in effect cannot be read by this berthd; the configured files count");
  if (last && kept != journal.meta.end() && kept->second == digest) {
    result.settings = result.revisions.back().settings = last;
    if (digest_of(*last) != digest)
      result.notes.push_back("revision " + std::to_string(result.revisions.back().record.info.number)
                             + " stays in effect, as the configured files have not changed since it took their place");
    return;
  }
  result.settings = from_files;
  if (last && compare(*last, files).empty()) {
    result.revisions.back().settings = from_files;
    return;
  }
  auto record = RevisionRecord{};
  record.info = {result.revisions.empty() ? 1 : result.revisions.back().record.info.number + 1, now, "start", digest, {}, true};
  if (last)
    record.info.difference = compare(*last, files);
  record.files = texts;
  result.revisions.push_back({std::move(record), from_files});
  result.is_new_revision = true;
}

/// The settings of a generation that nobody remembers.
std::shared_ptr<const PoolSettings> stand_in(const ContainerMemory& container) {
  auto settings = PoolSettings{};
  settings.name = container.info.spec.pool;
  settings.runtime.value = container.info.selection.configured;
  settings.termination_grace_period.value = std::chrono::ceil<std::chrono::seconds>(container.grace);
  settings.oom_group.value = container.oom_group;
  return std::make_shared<const PoolSettings>(std::move(settings));
}

GenerationMemory remember(const PoolName& pool, uint64_t number, uint64_t revision, const SettingsPtr& settings) {
  return {number, std::shared_ptr<const PoolSettings>{settings, &settings->pools.at(pool.value)},
          std::shared_ptr<const NodeSettings>{settings, &settings->node}, {}, false, revision};
}

} // namespace

TakeOver take_over(const ConfigHistory& journal, const Settings& files, const std::vector<ConfigFile>& texts,
                   std::vector<ContainerMemory> containers, Timestamp now) {
  auto result = TakeOver{};
  auto settings_of = SettingsOf{journal};
  choose_settings(result, journal, files, texts, settings_of, now);
  auto& last = result.last_generations;
  for (const auto& generation : journal.generations)
    last[generation.pool] = std::max(last[generation.pool], generation.number);
  for (const auto& container : containers) {
    auto& number = last[container.info.spec.pool];
    number = std::max(number, container.info.generation);
  }
  const auto& revision = result.revisions.back().record.info;
  auto changed = std::set<PoolName>{};
  auto made_now = std::set<PoolName>{};
  for (const auto& difference : revision.difference.pools)
    changed.insert(difference.name);
  auto memories = std::map<PoolName, PoolMemory>{};
  for (const auto& [name, pool] : result.settings->pools) {
    auto& number = last[pool.name];
    if (number == 0 || (result.is_new_revision && changed.count(pool.name) > 0)) {
      ++number;
      result.generations.push_back({pool.name, number, revision.number});
      made_now.insert(pool.name);
    }
  }
  auto of_pool = std::map<PoolName, std::vector<ContainerMemoryPtr>>{};
  auto shelves = std::map<std::pair<PoolName, uint64_t>, ExplanationShelf>{};
  for (auto& container : containers) {
    // A number from before means nothing any more: what is told apart by it began with this berthd.
    container.ticket = ++result.last_ticket;
    const auto& pool = container.info.spec.pool;
    auto number = container.info.generation;
    if (auto& why = container.info.why; why.value)
      why = shelves[{pool, number}].share(*why.value);
    auto& memory = memories[pool];
    auto is_current = result.settings->pools.count(pool.value) > 0 && number == last[pool];
    auto is_known = std::any_of(memory.generations.begin(), memory.generations.end(),
                                [&](const auto& x) { return x.number == number; });
    if (!is_current && !is_known) {
      if (auto settings = settings_of.generation(pool, number)) {
        memory.generations.push_back(remember(pool, number, settings_of.maker_of(pool, number), settings));
      } else {
        memory.generations.push_back({number, stand_in(container),
                                      std::shared_ptr<const NodeSettings>{result.settings, &result.settings->node}, {}, false});
        result.notes.push_back("the settings of generation " + std::to_string(number) + " of pool \"" + pool.value
                               + "\" are not known any more; its containers keep what they were started with");
      }
    }
    of_pool[pool].push_back(std::make_shared<const ContainerMemory>(std::move(container)));
  }
  for (auto& [name, memory] : memories)
    std::sort(memory.generations.begin(), memory.generations.end(),
              [](const auto& x, const auto& y) { return x.number < y.number; });
  for (const auto& [text, pool] : result.settings->pools) {
    auto memory = std::move(memories[pool.name]);
    memories.erase(pool.name);
    auto number = last[pool.name];
    auto maker = made_now.count(pool.name) > 0 ? revision.number : settings_of.maker_of(pool.name, number);
    memory.generations.push_back(remember(pool.name, number, maker, result.settings));
    result.pools.push_back({pool.name, std::make_shared<const PoolMemory>(std::move(memory)), std::move(of_pool[pool.name])});
  }
  for (auto& [name, memory] : memories) {
    memory.retired = memory.retired_told = true;
    result.pools.push_back({name, std::make_shared<const PoolMemory>(std::move(memory)), std::move(of_pool[name])});
  }
  return result;
}

} // namespace berth
