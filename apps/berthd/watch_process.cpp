#include "apps/berthd/watch_process.hpp"

#include "actors/trace_recorder.hpp"
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

void watch_actors(metrics::Registry& registry) {
  auto by_kind = [&](const char* name, const char* help, Type type, double (*value)(const ActorBook::Kind&)) {
    registry.collect(name, help, type, [=] {
      auto samples = std::vector<Sample>{};
      for (const auto& [kind, numbers] : actor_book().kinds())
        samples.push_back({{{"kind", kind}}, value(numbers)});
      return samples;
    });
  };
  by_kind("berth_actors", "Actors that live.", Type::gauge, [](const auto& kind) { return static_cast<double>(kind.count); });
  by_kind("berth_actor_mailbox_messages", "Messages that wait or are being handled, of all actors of a kind.", Type::gauge,
          [](const auto& kind) { return static_cast<double>(kind.mailbox); });
  by_kind("berth_actor_mailbox_longest_messages", "The longest mailbox of an actor of a kind.", Type::gauge,
          [](const auto& kind) { return static_cast<double>(kind.longest_mailbox); });
  by_kind("berth_actor_messages_total", "Messages that were handled.", Type::counter,
          [](const auto& kind) { return static_cast<double>(kind.handled); });
  by_kind("berth_actor_busy_seconds_total", "Time spent in handlers.", Type::counter,
          [](const auto& kind) { return std::chrono::duration<double>(kind.busy).count(); });
  registry.collect("berth_trace_spans_total", "Spans that were recorded, lost before they could be kept, or not begun because of the rate.",
                   Type::counter, [] {
                     auto counts = trace_recorder().counts();
                     return std::vector<Sample>{{{{"result", "recorded"}}, static_cast<double>(counts.recorded)},
                                                {{{"result", "dropped"}}, static_cast<double>(counts.dropped)},
                                                {{{"result", "refused"}}, static_cast<double>(counts.refused)}};
                   });
}

} // namespace berth
