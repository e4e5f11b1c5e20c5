#include "runtimes/oci_command.hpp"

#include <initializer_list>

namespace berth {

namespace {

Argv command(const RuntimeCall& call, std::initializer_list<std::string> verb) {
  auto result = Argv{call.profile.binary, "--root", call.profile.root, "--log", call.log,
                     "--log-format",      "json"};
  result.insert(result.end(), call.profile.flags.begin(), call.profile.flags.end());
  result.insert(result.end(), verb);
  result.push_back(call.runtime_id);
  return result;
}

} // namespace

Argv create_argv(const RuntimeCall& call, const std::string& bundle, const std::string& pid_file) {
  return command(call, {"create", "--bundle", bundle, "--pid-file", pid_file});
}

Argv start_argv(const RuntimeCall& call) {
  return command(call, {"start"});
}

Argv kill_argv(const RuntimeCall& call) {
  return command(call, {"kill"});
}

Argv delete_argv(const RuntimeCall& call, bool force) {
  return force ? command(call, {"delete", "--force"}) : command(call, {"delete"});
}

Argv exec_argv(const RuntimeCall& call, const std::string& process_file,
               const std::string& pid_file) {
  if (pid_file.empty())
    return command(call, {"exec", "--process", process_file});
  auto pid_flag = call.profile.has_host_processes ? "--pid-file" : "--internal-pid-file";
  return command(call, {"exec", "--process", process_file, pid_flag, pid_file});
}

Argv kill_process_argv(const RuntimeCall& call, int pid) {
  return command(call, {"kill", "--pid", std::to_string(pid)});
}

Argv state_argv(const RuntimeCall& call) {
  return command(call, {"state"});
}

std::string start_fifo_path(const RuntimeProfile& profile, const std::string& runtime_id) {
  return profile.root + "/" + runtime_id + "/exec.fifo";
}

} // namespace berth
