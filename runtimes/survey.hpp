#pragma once

#include "messages/ledger.hpp"
#include "runtimes/container_record.hpp"
#include "runtimes/launch_host.hpp"

#include <set>

namespace berth {

/// What is in the directory of the containers: one of them, or something else.
struct FoundDirectory {
  std::string name;
  std::string path;
  bool is_directory = false;
  bool has_record = false;
  /// Nothing if the record cannot be read; then `fault` says why.
  std::optional<ContainerRecord> record;
  std::string fault;
  /// What its monitor has told.
  std::vector<std::string> story;
  /// Of the monitor that answers in this directory; 0 if none does.
  int monitor = 0;
};

/// Something that has a name and a place.
struct FoundPath {
  std::string name;
  std::string path;
};

/// A file or directory of a runtime's, in a state root of ours.
struct FoundRecord {
  std::string name;
  std::string path;
  /// Empty if its name is none of a runtime's.
  std::string runtime_id;
};

struct FoundMonitor {
  int pid = 0;
  uint64_t start_time = 0;
  /// Its working directory, the container's: gone if `is_deleted`.
  std::string directory;
  bool is_deleted = false;
};

/// Everything under Berth's names on this host, as it was found.
struct Survey {
  std::vector<FoundDirectory> directories;
  std::vector<FoundMonitor> monitors;
  std::vector<FoundPath> logs;
  std::vector<FoundPath> layers;
  std::vector<FoundGroup> groups;
  std::vector<FoundRecord> records;
  /// Mount points.
  std::vector<FoundPath> mounts;
  std::vector<FoundPath> network_namespaces;
};

/// Looks at the host. `state_roots`: of all runtimes that may have records of ours. Reads many files, so not for actors.
Survey survey_host(const LaunchHost& host, const std::set<std::string>& state_roots);

/// Removes what an entry of the ledger names, for which its processes are killed first. Fails with `system_error`.
Result<void> remove_orphan(const LedgerEntry& entry, const Survey& survey);

} // namespace berth
