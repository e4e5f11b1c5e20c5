#include "runtimes/doctor/round_trip.hpp"

#include "runtimes/linux/file.hpp"
#include "runtimes/linux/find_program.hpp"
#include "runtimes/linux/process.hpp"
#include "runtimes/oci_command.hpp"
#include "runtimes/oci_spec.hpp"
#include "runtimes/runtime_id.hpp"
#include "runtimes/runtime_profile.hpp"

#include <algorithm>
#include <filesystem>
#include <optional>

namespace berth {

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr size_t output_limit = 256 * 1024;
constexpr size_t longest_complaint = 300;
constexpr size_t log_limit = 16 * 1024 * 1024;
constexpr auto look_again = milliseconds{20};
constexpr auto clean_up_deadline = std::chrono::seconds{20};
/// What `berth-monitor --stay` ends with if it remembers.
constexpr int remembers_exit_code = 42;
/// Files that it makes in its root.
constexpr auto ready_name = "/ready";
constexpr auto told_name = "/told";

milliseconds since(Clock::time_point begin) {
  return std::chrono::duration_cast<milliseconds>(Clock::now() - begin);
}

tl::unexpected<Error> trip_failure(const std::string& step, std::string reason) {
  auto next = criu_fix(reason);
  return failure(ec::runtime_failed, step, std::move(reason), std::move(next));
}

/// One container on its way. Its standard streams are /dev/null, which CRIU can always save.
class Trip {
public:
  Trip(TrialNode& node, RuntimeProfile profile, milliseconds deadline)
    : node_(node), profile_(std::move(profile)), deadline_(deadline), id_(make_runtime_id()), bundle_(node.root() + "/criu-" + id_),
      groups_(node.host().cgroups->container(pool_, id_)) {
    // nop
  }

  Trip(const Trip&) = delete;
  Trip& operator=(const Trip&) = delete;

  ~Trip() {
    (void) run_command(delete_argv(call(), true), clean_up_deadline, output_limit);
    container_.reset();
    for (const auto& group : groups_.leftovers)
      (void) remove_group(group);
    if (!groups_.parent.empty())
      (void) remove_group(groups_.parent);
    (void) remove_tree(bundle_);
  }

  Result<RoundTrip> run() {
    auto trip = RoundTrip{};
    return prepare()
      .and_then([&] { return begin(); })
      .and_then([&] { return checkpoint(trip); })
      .and_then([&] { return restore(trip); })
      .and_then([&] { return end(); })
      .map([&] { return trip; });
  }

private:
  RuntimeCall call() const {
    return {profile_, bundle_ + "/runc.log", id_};
  }

  /// BINARY and its global flags, with which all verbs begin.
  Argv verb(const std::string& name) const {
    auto argv = Argv{profile_.binary, "--root", profile_.root, "--log", bundle_ + "/runc.log"};
    argv.insert(argv.end(), profile_.flags.begin(), profile_.flags.end());
    argv.push_back(name);
    return argv;
  }

  std::string image() const {
    return bundle_ + "/image";
  }

  Result<void> prepare() {
    auto rootfs = bundle_ + "/rootfs";
    for (const auto& directory : {profile_.root, bundle_, image(), bundle_ + "/dump", bundle_ + "/restore"})
      if (auto made = make_directories(directory, private_directory_mode); !made)
        return made;
    if (auto made = make_directories(rootfs, 0755); !made)
      return made;
    auto error = std::error_code{};
    std::filesystem::copy_file(node_.host().monitor_binary, rootfs + "/canary", error);
    if (error)
      return failure(ec::system_error, "copy of " + node_.host().monitor_binary, error.message());
    if (auto prepared = node_.host().cgroups->prepare_pool(pool_); !prepared)
      return prepared;
    if (auto prepared = node_.host().cgroups->prepare_container(groups_); !prepared)
      return prepared;
    auto request = BundleRequest{};
    request.spec.pool = pool_;
    request.spec.id = {id_};
    request.spec.rootfs = rootfs;
    request.spec.args = {"/canary", "--stay"};
    request.cgroup = groups_.oci_path;
    request.host = node_.host().bundle;
    auto config = render_config(request, profile_);
    if (!config)
      return failure(config.error());
    return replace_file(bundle_ + "/config.json", *config, private_file_mode, Durability::process);
  }

  Result<void> begin() {
    auto argv = verb("run");
    argv.insert(argv.end(), {"--bundle", bundle_, id_});
    if (auto spawned = spawn(argv); !spawned)
      return spawned;
    if (!appears(ready_name))
      return trip_failure("start of a container for CRIU", last_of(bundle_ + "/runc.log", "it does not start in time"));
    if (auto sent = signal("USR1"); !sent)
      return sent;
    if (!appears(told_name))
      return trip_failure("start of a container for CRIU", "it does not get its signal in time");
    return {};
  }

  Result<void> checkpoint(RoundTrip& trip) {
    auto begin = Clock::now();
    auto argv = verb("checkpoint");
    argv.insert(argv.end(), {"--image-path", image(), "--work-path", bundle_ + "/dump", id_});
    auto done = run_command(argv, deadline_, output_limit);
    if (!done)
      return trip_failure("checkpoint", done.error().reason);
    if (done->wait_status != 0)
      return trip_failure("checkpoint", last_of(bundle_ + "/dump/dump.log", done->err));
    trip.checkpoint_time = since(begin);
    auto ended = container_->wait_for(deadline_);
    container_.reset();
    if (!ended || !*ended)
      return trip_failure("checkpoint", "the container goes on after it");
    // A foreground `run` may have removed the record before this, and a v2 group goes with it.
    return node_.host().cgroups->prepare_container(groups_);
  }

  Result<void> restore(RoundTrip& trip) {
    auto begin = Clock::now();
    auto argv = verb("restore");
    argv.insert(argv.end(), {"--image-path", image(), "--work-path", bundle_ + "/restore", "--bundle", bundle_, id_});
    if (auto spawned = spawn(argv); !spawned)
      return spawned;
    auto end = begin + deadline_;
    while (!is_running()) {
      auto ended = container_->wait_for(look_again);
      if (!ended)
        return failure(ended.error());
      if (*ended) {
        container_.reset();
        return trip_failure("restore", last_of(bundle_ + "/restore/restore.log", "it ended with " + to_string(**ended)));
      }
      if (Clock::now() > end)
        return trip_failure("restore", "no end within " + std::to_string(deadline_.count()) + " ms");
    }
    trip.restore_time = since(begin);
    return {};
  }

  Result<void> end() {
    if (auto sent = signal("TERM"); !sent)
      return sent;
    auto ended = container_->wait_for(deadline_);
    if (!ended)
      return failure(ended.error());
    if (!*ended)
      return trip_failure("restore", "the restored container does not take a signal");
    container_.reset();
    if (**ended != ExitStatus{Exited{remembers_exit_code}})
      return trip_failure("restore", "the restored container has lost its memory: it ended with " + to_string(**ended));
    return {};
  }

  Result<void> spawn(const Argv& argv) {
    auto child = Child::spawn(argv);
    if (!child)
      return failure(child.error());
    container_.emplace(std::move(*child));
    return {};
  }

  /// Waits for a file of the container.
  bool appears(const char* name) {
    auto end = Clock::now() + deadline_;
    while (Clock::now() < end) {
      if (std::filesystem::exists(bundle_ + "/rootfs" + name))
        return true;
      auto ended = container_->wait_for(look_again);
      if (ended && *ended) {
        container_.reset();
        return false;
      }
    }
    return false;
  }

  bool is_running() const {
    auto state = run_command(state_argv(call()), deadline_, output_limit);
    return state && state->wait_status == 0 && state->out.find("\"running\"") != std::string::npos;
  }

  Result<void> signal(const std::string& name) {
    auto argv = verb("kill");
    argv.insert(argv.end(), {id_, name});
    auto done = run_command(argv, deadline_, output_limit);
    if (!done)
      return failure(done.error());
    if (done->wait_status != 0)
      return trip_failure("signal " + name, done->err);
    return {};
  }

  /// What CRIU has logged; `otherwise` if that says nothing.
  std::string last_of(const std::string& log, const std::string& otherwise) const {
    auto complaint = criu_complaint(read_file(log, log_limit).value_or(""));
    return complaint.empty() ? otherwise.substr(0, otherwise.find('\n')) : complaint;
  }

  TrialNode& node_;
  RuntimeProfile profile_;
  milliseconds deadline_;
  PoolName pool_{"criu"};
  std::string id_;
  std::string bundle_;
  ContainerCgroups groups_;
  std::optional<Child> container_;
};

/// What follows `key` in a text, up to one of `ends`; empty if it is not there.
std::string word_after(std::string_view text, std::string_view key, const char* ends) {
  auto at = text.find(key);
  if (at == std::string_view::npos)
    return {};
  auto rest = text.substr(at + key.size());
  return std::string{rest.substr(0, rest.find_first_of(ends))};
}

} // namespace

std::string parse_criu_version(std::string_view text) {
  return word_after(text, "Version: ", " \r\n");
}

std::string criu_complaint(std::string_view log) {
  // What a helper of CRIU ended with, such as an iptables that is not installed, is hardly ever the cause.
  constexpr auto noise = std::string_view{"exited, status="};
  auto fallback = std::string{};
  // The first error is the cause; those after it are what came of it.
  for (; !log.empty(); log.remove_prefix(std::min(log.find('\n'), log.size() - 1) + 1)) {
    auto line = log.substr(0, log.find('\n'));
    for (const auto* mark : {"Error (", "Error: ", "level=error", "\"level\":\"error\""}) {
      auto at = line.find(mark);
      if (at == std::string_view::npos)
        continue;
      auto complaint = std::string{line.substr(at, longest_complaint)};
      if (line.find(noise) == std::string_view::npos)
        return complaint;
      if (fallback.empty())
        fallback = complaint;
    }
  }
  return fallback;
}

std::string criu_fix(std::string_view complaint) {
  auto program = word_after(complaint, "execvp(\"", "\"");
  if (program.empty())
    return {};
  // Its rules keep packets away from what is being saved.
  auto package = program.find("tables") == std::string::npos ? program : "iptables";
  return "install what CRIU runs: " + program + " (`apt-get install " + package + "`)";
}

Result<RoundTrip> try_round_trip(TrialNode& node, const std::string& runc_binary, std::chrono::milliseconds deadline) {
  auto binary = find_program(runc_binary);
  if (!binary)
    return failure(ec::runtime_failed, runc_binary, binary.error().reason, "install runc, which CRIU is used through");
  auto version = run_command({*binary, "--version"}, deadline, output_limit);
  if (!version)
    return failure(version.error());
  auto profile = make_runc_profile({*binary, version->out, node.host().paths.run_directory + "/runc/criu"});
  if (!profile)
    return failure(profile.error());
  return Trip{node, std::move(*profile), deadline}.run();
}

} // namespace berth
