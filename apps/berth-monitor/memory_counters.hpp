#pragma once

#include "runtimes/monitor_protocol.hpp"

namespace berth {

/// Reads the counters of a container's memory group into the message of its exit. What cannot be
/// read stays 0.
void read_memory_counters(const MonitorPlan& plan, MonitorExited& exited);

} // namespace berth
