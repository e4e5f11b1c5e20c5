#pragma once

#include <string>
#include <vector>

namespace berth::test {

/// Everything that a node has in the kernel and on disk at one moment, each thing named, so that a leak can be told.
struct Census {
  /// "PID NAME": the daemon, its descendants, whatever inherited its environment or sits in its cgroups.
  std::vector<std::string> processes;
  /// Directories below the node's group in all cgroup hierarchies.
  std::vector<std::string> groups;
  /// Mounts below the root directory, as the test and as the daemon see them.
  std::vector<std::string> mounts;
  /// Everything below `run` and `state` of the root directory.
  std::vector<std::string> files;
  std::vector<std::string> shared_memory;
  /// What the daemon's descriptors lead to.
  std::vector<std::string> descriptors;
  size_t threads = 0;
};

/// Environment variable of the daemon, with its root as value, by which what it starts is known.
constexpr auto census_marker = "BERTH_TEST_NODE";

/// `daemon` is the pid of berthd, or 0 if it does not run.
Census take_census(const std::string& root, int daemon);

/// What is in one of them only, a line each; empty if they are equal.
std::string difference(const Census& before, const Census& after);

/// Host pids of all processes of the node but the daemon: monitors, runtimes, containers.
std::vector<int> processes_of(const std::string& root, int daemon);

/// Is the process in a cgroup whose path contains this part?
bool is_in_cgroup_of(int pid, const std::string& part);

/// The mount points of all cgroup hierarchies.
std::vector<std::string> cgroup_hierarchies();

/// Ends everything that a killed daemon left: its containers first, so that their monitors clean up, then what remains.
/// Returns what could not be removed.
std::vector<std::string> sweep(const std::string& root);

/// "berth-monitor" for a pid; empty if there is no such process.
std::string process_name(int pid);

} // namespace berth::test
