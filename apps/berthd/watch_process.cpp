#include "apps/berthd/watch_process.hpp"

#include "apps/berthd/daemon.hpp"
#include "runtimes/linux/own_usage.hpp"

namespace berth {

namespace {

using metrics::Sample;
using metrics::Type;

std::vector<Sample> single(double value) {
  return {{{}, value}};
}

} // namespace

void watch_process(metrics::Registry& registry, const NodePaths& paths) {
  auto started = static_cast<double>(now().ns) / 1e9;
  registry.collect("berth_build_info", "Always 1; what this berthd is.", Type::gauge,
                   [] { return std::vector<Sample>{{{{"version", version}}, 1.0}}; });
  registry.collect("process_start_time_seconds", "Start time of the process since the epoch.", Type::gauge,
                   [=] { return single(started); });
  registry.collect("process_resident_memory_bytes", "Resident memory of berthd, without its monitors.", Type::gauge,
                   [] { return single(static_cast<double>(read_own_usage().resident_bytes)); });
  registry.collect("process_cpu_seconds_total", "CPU time of berthd, in user space and in the kernel.", Type::counter,
                   [] { return single(read_own_usage().cpu_seconds); });
  registry.collect("process_open_fds", "Open file descriptors.", Type::gauge,
                   [] { return single(static_cast<double>(read_own_usage().open_fds)); });
  registry.collect("process_max_fds", "Most file descriptors that may be open.", Type::gauge,
                   [] { return single(static_cast<double>(read_own_usage().max_fds)); });
  registry.collect("berth_journal_size_bytes", "Size of the journal with what is not merged into it yet.", Type::gauge,
                   [file = paths.state_directory + "/journal.db"] {
                     return single(static_cast<double>(size_of_file(file) + size_of_file(file + "-wal")));
                   });
}

} // namespace berth
