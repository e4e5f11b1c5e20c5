#include "apps/berthd/past.hpp"

#include "actors/log.hpp"
#include "actors/policy/config_digest.hpp"
#include "config/load_settings.hpp"
#include "runtimes/fault_point.hpp"
#include "runtimes/reconcile.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>

namespace berth {

namespace {

using Clock = std::chrono::steady_clock;

/// All state roots in which a runtime may have records of ours.
std::set<std::string> state_roots(const NodePaths& paths, const JournalState& journal, const Settings& files) {
  auto result = std::set<std::string>{};
  auto add = [&](const Settings& settings) {
    for (const auto& [name, pool] : settings.pools)
      for (auto kind : {RuntimeKind::runc, RuntimeKind::gvisor})
        result.insert(paths.state_root(kind, pool));
  };
  add(files);
  for (const auto& revision : journal.config.revisions) {
    auto texts = std::vector<ConfigText>{};
    for (const auto& file : revision.files)
      texts.push_back({file.name, file.text});
    // Elsewhere all roots are below our own directories. There may be a hundred large ones to read.
    if (std::none_of(texts.begin(), texts.end(), [](const auto& x) { return x.text.find("gvisorRoot") != std::string::npos; }))
      continue;
    if (auto settings = load_settings(texts))
      add(*settings);
  }
  for (const auto& record : journal.containers)
    result.insert(record.memory.info.profile.root);
  // Of pools that nobody remembers.
  auto ignored = std::error_code{};
  for (const auto& directory : {paths.run_directory + "/runc", paths.gvisor_root + paths.cgroup_base})
    for (const auto& entry : std::filesystem::directory_iterator{directory, ignored})
      result.insert(entry.path().string());
  result.erase("");
  return result;
}

log::Field container_field(const LedgerEntry& entry) {
  return {entry.container.value.empty() ? "" : "container_id", entry.container.value};
}

void remove_orphans(Ledger& ledger, const Survey& survey) {
  for (auto& entry : ledger.entries) {
    if (entry.verdict != Verdict::orphan)
      continue;
    if (auto removed = remove_orphan(entry, survey); !removed) {
      entry.problem = render(removed.error());
      log::error("orphan could not be removed",
                 {{"kind", to_string(entry.kind)}, {"name", entry.name}, container_field(entry), {"error", entry.problem}});
    } else {
      log::warn("orphan was removed",
                {{"kind", to_string(entry.kind)}, {"name", entry.name}, container_field(entry), {"why", entry.detail}});
    }
  }
}

void log_ledger(const Ledger& ledger) {
  auto number = [&](Verdict verdict) { return std::to_string(count(ledger, verdict)); };
  auto containers = [&](Verdict verdict) { return std::to_string(count(ledger, LedgerKind::container, verdict)); };
  for (const auto& note : ledger.notes)
    log::warn("not all is as it was", {{"what", note}});
  if (!ledger.entries.empty())
    log::info("what was there is matched", {{"adopted", containers(Verdict::adopted)},
                                            {"finished", containers(Verdict::finished)},
                                            {"orphans", number(Verdict::orphan)},
                                            {"foreign", number(Verdict::foreign)},
                                            {"took_us", std::to_string(ledger.took.count() / 1000)}});
  for (const auto& entry : ledger.entries)
    if (entry.verdict == Verdict::foreign)
      log::warn("left alone",
                {{"kind", to_string(entry.kind)}, {"name", entry.name}, container_field(entry), {"why", entry.detail}});
}

} // namespace

Result<Past> take_over_node(const NodePaths& paths, const DaemonOptions& options,
                            const std::function<Result<LaunchHost>(const Settings&)>& make_host) {
  auto began = Clock::now();
  auto opened = Journal::open(paths.state_directory);
  if (!opened)
    return failure(opened.error());
  auto result = Past{};
  auto& state = opened->state;
  result.journal = std::make_shared<Journal>(std::move(opened->journal));
  result.last_event = state.last_event;
  auto host = make_host(options.settings);
  if (!host)
    return failure(host.error());
  result.host = std::move(*host);
  fault_point("start.journal_read");
  auto survey = survey_host(result.host, state_roots(paths, state, options.settings));
  auto matched = reconcile(state.containers, survey, result.host.facts.boot_id);
  auto ledger = std::move(matched.ledger);
  ledger.at = now();
  fault_point("start.matched");
  remove_orphans(ledger, survey);
  fault_point("start.cleaned");
  result.foreign = std::move(matched.foreign);
  result.begin = take_over(state.config, options.settings, options.files, std::move(matched.containers), ledger.at);
  ledger.notes.insert(ledger.notes.begin(), state.damage.begin(), state.damage.end());
  ledger.notes.insert(ledger.notes.end(), result.begin.notes.begin(), result.begin.notes.end());
  auto writes = std::vector<JournalWrite>{};
  if (result.begin.is_new_revision)
    writes.push_back(PutRevision{std::make_shared<const RevisionRecord>(result.begin.revisions.back().record)});
  for (const auto& generation : result.begin.generations)
    writes.push_back(PutGeneration{generation});
  writes.push_back(PutMeta{meta_file_digest, digest_of(options.settings)});
  if (auto written = result.journal->write(writes, Durability::disk); !written)
    return failure(written.error());
  fault_point("start.recorded");
  result.host.logs = result.begin.settings->node.logs.value;
  result.meta = std::move(state.config.meta);
  ledger.took = Clock::now() - began;
  log_ledger(ledger);
  result.ledger = std::make_shared<const Ledger>(std::move(ledger));
  return result;
}

} // namespace berth
