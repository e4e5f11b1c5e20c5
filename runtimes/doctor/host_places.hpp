#pragma once

#include <string>
#include <vector>

namespace berth {

/// Where the doctor looks. Parameters, so that it can examine a host that is mounted elsewhere, or a broken one of a test.
struct HostPlaces {
  /// Before the mount points that its tables name; empty: it is the running host.
  std::string prefix;
  std::string proc = "/proc";
  std::string dev = "/dev";
  std::vector<std::string> cdi{"/etc/cdi", "/var/run/cdi"};
  std::vector<std::string> cni{"/opt/cni/bin", "/usr/lib/cni"};
  /// The node's own.
  std::string run_directory = "/run/berth";
  std::string state_directory = "/var/lib/berth";
};

/// The same below `prefix`, but for the node's own directories.
HostPlaces places_below(const std::string& prefix, HostPlaces places);

} // namespace berth
