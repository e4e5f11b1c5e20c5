#pragma once

#include "messages/runtime_profile.hpp"

#include <string>

/// Complete argument vectors of the OCI command lines. All runtimes take the same ones:
///
///     BINARY --root ROOT --log FILE --log-format json [FLAGS] VERB ...
///
/// Both runc and runsc write `{"level":"error","msg":...}` to FILE when a verb fails, and append: a
/// file of its own for each call of `exec` tells a failure of the runtime from the program's own
/// exit code (runtime_errors.hpp).
namespace berth {

/// What a call of a runtime needs besides its verb. `log` is the FILE above; relative names are
/// taken from the working directory of the call.
struct RuntimeCall {
  const RuntimeProfile& profile;
  std::string log;
  std::string runtime_id;
};

/// Creates the container of a bundle. Its stdio is that of this call; the pid of its init (runc) or
/// of the sandbox (gVisor) goes to `pid_file`.
Argv create_argv(const RuntimeCall& call, const std::string& bundle, const std::string& pid_file);

Argv start_argv(const RuntimeCall& call);

/// To be completed with the signal's number.
Argv kill_argv(const RuntimeCall& call);

/// With `force`, running processes are killed first. runc then sleeps 100 ms, whatever happens.
Argv delete_argv(const RuntimeCall& call, bool force = false);

/// Runs the process that `process_file` describes in a running container; stdio is that of this
/// call, which ends with the exit code of the process. The pid of the process goes to `pid_file`,
/// unless empty: that of the host or, if the profile has no host processes, that inside.
Argv exec_argv(const RuntimeCall& call, const std::string& process_file,
               const std::string& pid_file = {});

/// Signals one process inside; for runtimes whose processes are none of the host's. To be completed
/// with the signal's number.
Argv kill_process_argv(const RuntimeCall& call, int pid);

/// Prints the OCI state as JSON.
Argv state_argv(const RuntimeCall& call);

/// The FIFO of a created container, if the profile says that there is one: reading it to its end
/// starts the container. It has to be removed then: for as long as it is there, runc calls the
/// container "created".
std::string start_fifo_path(const RuntimeProfile& profile, const std::string& runtime_id);

} // namespace berth
