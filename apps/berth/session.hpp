#pragma once

#include "apps/berth/client.hpp"
#include "apps/berth/options.hpp"
#include "apps/berth/output.hpp"

namespace berth::cli {

/// What a verb works with.
struct Session {
  const Client& client;
  Output& out;
};

// Each does what its verb was asked to and gives the exit code of the command. A stdout that could not be written shows
// in `Session::out` and not in the code.

int perform(const Session& session, const RunOptions& options);
int perform(const Session& session, const ExecOptions& options);
int perform(const Session& session, const PsOptions& options);
int perform(const Session& session, const InspectOptions& options);
int perform(const Session& session, const LogsOptions& options);
int perform(const Session& session, const WaitOptions& options);
int perform(const Session& session, const StopOptions& options);
int perform(const Session& session, const KillOptions& options);
int perform(const Session& session, const RmOptions& options);
int perform(const Session& session, const StatsOptions& options);
int perform(const Session& session, const PoolsOptions& options);
int perform(const Session& session, const PlanOptions& options);
int perform(const Session& session, const ApplyOptions& options);
int perform(const Session& session, const ReloadOptions& options);
int perform(const Session& session, const RollbackOptions& options);
int perform(const Session& session, const HistoryOptions& options);
int perform(const Session& session, const DoctorOptions& options);
int perform(const Session& session, const DebugOptions& options);
int perform(const Session& session, const DrainOptions& options);
int perform(const Session& session, const TraceOptions& options);
int perform(const Session& session, const ActorsOptions& options);
int perform(const Session& session, const TopOptions& options);
int perform(const Session& session, const LogOptions& options);
int perform(const Session& session, const EventsOptions& options);
int perform(const Session& session, const OomOptions& options);
int perform(const Session& session, const ValidateOptions& options);
int perform(const Session& session, const VersionOptions& options);
int perform(const Session& session, const WhyOptions& options);

/// Says why a verb other than `run` and `exec` failed; gives its exit code.
int report(const Session& session, const Failure& failure);

} // namespace berth::cli
