#include "runtimes/reconcile.hpp"

#include "runtimes/launch_monitor.hpp"
#include "runtimes/monitor_protocol.hpp"
#include "runtimes/runtime_id.hpp"

#include <algorithm>
#include <array>

namespace berth {

namespace {

/// How far a monitor came, by what it told.
struct Story {
  bool started = false;
  bool exited = false;
  bool failed = false;
  bool ended = false;
};

Story read(const std::vector<std::string>& packets) {
  auto story = Story{};
  for (const auto& packet : packets)
    if (auto message = decode_monitor_message(packet)) {
      story.started = story.started || std::holds_alternative<MonitorStarted>(*message);
      story.exited = story.exited || std::holds_alternative<MonitorExited>(*message);
      story.failed = story.failed || std::holds_alternative<MonitorFailed>(*message);
      story.ended = story.ended || ends_story(packet);
    }
  return story;
}

/// The container that something belongs to.
struct Owner {
  Verdict verdict = Verdict::adopted;
  std::string detail;
  std::string runtime_id;
};

class Matching {
public:
  Matching(const std::vector<ContainerRecord>& journal, const Survey& survey, const std::string& boot_id)
    : survey_(survey), boot_id_(boot_id) {
    for (const auto& record : journal)
      rows_[record.memory.info.spec.id.value] = &record;
  }

  Reconciliation run() {
    for (const auto& directory : survey_.directories)
      match(directory);
    for (const auto& [id, row] : rows_)
      if (owners_.count(id) == 0)
        take(id, *row, nullptr);
    for (const auto& [id, row] : rows_)
      add(LedgerKind::journal_row, id, id, owners_.at(id));
    for (const auto& monitor : survey_.monitors)
      match(monitor);
    match_the_rest();
    sort();
    return std::move(result_);
  }

private:
  void add(LedgerKind kind, const std::string& name, const std::string& id, const Owner& owner) {
    result_.ledger.entries.push_back({kind, name, owner.verdict, {id}, owner.detail, {}});
  }

  void add_orphan(LedgerKind kind, const std::string& name, std::string why, const std::string& id = {}) {
    result_.ledger.entries.push_back({kind, name, Verdict::orphan, {id}, std::move(why), {}});
  }

  void add_foreign(LedgerKind kind, const std::string& name, std::string why) {
    result_.ledger.entries.push_back({kind, name, Verdict::foreign, {}, std::move(why), {}});
  }

  bool has_process(const FoundDirectory& directory) const {
    return directory.monitor != 0
           || std::any_of(survey_.monitors.begin(), survey_.monitors.end(),
                          [&](const auto& x) { return !x.is_deleted && x.directory == directory.path; });
  }

  void leave_alone(const FoundDirectory& directory, std::string why) {
    add_foreign(LedgerKind::directory, directory.path, std::move(why));
    result_.foreign.insert({directory.name});
    // Then it cannot be said of anything else either that it is of no container.
    has_riddles_ = has_riddles_ || directory.has_record;
  }

  void match(const FoundDirectory& directory) {
    if (directory.name.starts_with(probe_id_prefix))
      return add_orphan(LedgerKind::directory, directory.path, "of a probe of an earlier berthd");
    if (!directory.is_directory || !is_valid_name(directory.name))
      return leave_alone(directory, "not a container's directory");
    auto row = rows_.find(directory.name);
    const auto* record = directory.record ? &*directory.record : nullptr;
    if (record && record->memory.info.spec.id.value != directory.name) {
      if (row == rows_.end())
        return leave_alone(directory, "its record is that of container \"" + record->memory.info.spec.id.value + "\"");
      // What the journal says of the directory's container is whole, and decides.
      record = nullptr;
    }
    if (row == rows_.end() && record == nullptr) {
      if (directory.has_record)
        return leave_alone(directory, "its record cannot be read: " + directory.fault);
      return add_orphan(LedgerKind::directory, directory.path, "of a launch that had not begun");
    }
    if (row != rows_.end() && record && row->second->memory.info.runtime_id != record->memory.info.runtime_id) {
      result_.ledger.notes.push_back("what the journal says of container \"" + directory.name
                                     + "\" is about an earlier one of that id");
      row = rows_.end();
    }
    if (row == rows_.end())
      result_.ledger.notes.push_back("container \"" + directory.name
                                     + "\" is not in the journal: it is known by the record in its directory, without what was "
                                       "asked of it later");
    take(directory.name, row == rows_.end() ? *record : *row->second, &directory);
    add(LedgerKind::directory, directory.path, directory.name, owners_.at(directory.name));
  }

  /// Decides how a container goes on. `directory` may be null: then nothing of it is left but perhaps its log.
  void take(const std::string& id, const ContainerRecord& record, const FoundDirectory* directory) {
    auto memory = record.memory;
    memory.adopted = true;
    memory.reader = nullptr;
    memory.output_released = true;
    memory.rebooted = memory.rebooted || record.boot_id != boot_id_;
    auto story = directory ? read(directory->story) : Story{};
    auto lives = directory && !memory.rebooted && !story.ended && has_process(*directory);
    auto owner = Owner{lives ? Verdict::adopted : Verdict::finished, {}, memory.info.runtime_id};
    if (!holds_place(memory)) {
      owner = {Verdict::adopted, "it had ended before", memory.info.runtime_id};
    } else if (story.failed) {
      owner = {Verdict::finished, "its launch failed while no berthd ran", memory.info.runtime_id};
    } else if (!memory.start_asked && !memory.running_told && !story.started) {
      owner = {Verdict::finished, "its launch was given up: it had not been told to start", memory.info.runtime_id};
      if (!memory.failure)
        memory.failure = Error{ec::interrupted, "container \"" + id + "\"", "berthd ended before it was started", "launch it again"};
    } else if (lives && !story.exited) {
      owner.detail = "it goes on";
      // What the journal does not know, its monitor does.
      memory.start_asked = true;
    } else {
      owner.verdict = Verdict::finished;
      owner.detail = story.exited      ? "it ended while no berthd ran"
                     : memory.rebooted ? "the host was started anew while it ran"
                                       : "its monitor died while no berthd ran: what was left of it is ended";
      memory.start_asked = true;
    }
    add(LedgerKind::container, id, id, owner);
    owners_[id] = owner;
    if (!owner.runtime_id.empty())
      by_runtime_id_[owner.runtime_id] = id;
    result_.containers.push_back(std::move(memory));
  }

  void match(const FoundMonitor& monitor) {
    auto name = monitor.directory.substr(monitor.directory.rfind('/') + 1);
    auto owner = owners_.find(name);
    if (!monitor.is_deleted && owner != owners_.end())
      add(LedgerKind::monitor, std::to_string(monitor.pid), name, owner->second);
    else if (!monitor.is_deleted && result_.foreign.count({name}) > 0)
      add_foreign(LedgerKind::monitor, std::to_string(monitor.pid), "of directory " + monitor.directory);
    else
      add_orphan(LedgerKind::monitor, std::to_string(monitor.pid), "its container is not there any more");
  }

  /// Something that has the id of its container as its name.
  void match_by_id(LedgerKind kind, const FoundPath& found) {
    auto name = found.name.substr(0, found.name.find('/'));
    if (auto owner = owners_.find(name); owner != owners_.end())
      add(kind, found.path, name, owner->second);
    else if (result_.foreign.count({name}) > 0)
      add_foreign(kind, found.path, "of a container that is left alone");
    else if (is_valid_name(name) || name.starts_with(probe_id_prefix))
      add_orphan(kind, found.path, "of no container");
    else
      add_foreign(kind, found.path, "not a container's");
  }

  void match_by_runtime_id(LedgerKind kind, const std::string& path, const std::string& runtime_id) {
    if (auto id = by_runtime_id_.find(runtime_id); id != by_runtime_id_.end())
      return add(kind, path, id->second, owners_.at(id->second));
    if (!is_runtime_id(runtime_id))
      return add_foreign(kind, path, "not named as those that Berth makes");
    if (has_riddles_)
      return add_foreign(kind, path, "there are containers whose records cannot be read, and it may belong to one of them");
    add_orphan(kind, path, "of no container");
  }

  void match_the_rest() {
    for (const auto& group : survey_.groups)
      match_by_runtime_id(LedgerKind::cgroup, group.path, group.name);
    for (const auto& record : survey_.records)
      match_by_runtime_id(LedgerKind::runtime_record, record.path, record.runtime_id);
    for (const auto& mount : survey_.mounts)
      match_by_id(LedgerKind::mount, mount);
    for (const auto& log : survey_.logs)
      match_by_id(LedgerKind::log, log);
    for (const auto& layer : survey_.layers)
      match_by_id(LedgerKind::layer, layer);
    for (const auto& found : survey_.network_namespaces)
      add_foreign(LedgerKind::network_namespace, found.path, "this version of Berth makes none");
  }

  void sort() {
    // Processes first, then what they held; directories, by which others find their way, last.
    constexpr auto order = std::array{LedgerKind::container, LedgerKind::journal_row, LedgerKind::monitor,
                                      LedgerKind::cgroup,    LedgerKind::runtime_record, LedgerKind::mount,
                                      LedgerKind::layer,     LedgerKind::log, LedgerKind::directory,
                                      LedgerKind::network_namespace};
    auto rank = [&](const LedgerEntry& entry) { return std::find(order.begin(), order.end(), entry.kind); };
    auto& entries = result_.ledger.entries;
    std::stable_sort(entries.begin(), entries.end(), [&](const auto& x, const auto& y) { return rank(x) < rank(y); });
    std::stable_sort(result_.containers.begin(), result_.containers.end(),
                     [](const auto& x, const auto& y) { return x.info.accepted_at < y.info.accepted_at; });
  }

  const Survey& survey_;
  const std::string& boot_id_;
  std::map<std::string, const ContainerRecord*> rows_;
  std::map<std::string, Owner> owners_;
  std::map<std::string, std::string> by_runtime_id_;
  bool has_riddles_ = false;
  Reconciliation result_;
};

} // namespace

Reconciliation reconcile(const std::vector<ContainerRecord>& journal, const Survey& survey, const std::string& boot_id) {
  return Matching{journal, survey, boot_id}.run();
}

} // namespace berth
