#include "tests/support/monitor_rig.hpp"

#include "runtimes/cri_log.hpp"
#include "runtimes/linux/file.hpp"
#include "runtimes/linux/unix_socket.hpp"
#include "runtimes/linux/wait_any.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/rootfs.hpp"

#include <nlohmann/json.hpp>

#include <atomic>

#include <unistd.h>

namespace berth::test {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

namespace {

constexpr auto patience = 30s;
constexpr size_t text_limit = 16 << 20;

std::string next_runtime_id() {
  static auto count = std::atomic<int>{0};
  auto id = "rig" + std::to_string(::getpid()) + "n" + std::to_string(++count);
  return id + std::string(26 - id.size(), 'x');
}

nlohmann::json config_of(const MonitorRig::Options& options, const std::string& cgroup) {
  auto resources = nlohmann::json::object();
  if (options.memory_limit > 0)
    resources["memory"]["limit"] = options.memory_limit;
  return {{"ociVersion", "1.0.2"},
          {"process", {{"args", options.args}, {"env", {"PATH=/bin"}}, {"cwd", "/"}}},
          {"root", {{"path", "rootfs"}}},
          {"linux", {{"cgroupsPath", cgroup}, {"resources", resources}}}};
}

} // namespace

std::string describe(const MonitorMessage& message) {
  struct Text {
    std::string operator()(const MonitorCreated& x) {
      return "created, pid " + std::to_string(x.pid);
    }
    std::string operator()(const MonitorStarted&) {
      return "started";
    }
    std::string operator()(const MonitorExited& x) {
      return "exited, wait status " + std::to_string(x.wait_status);
    }
    std::string operator()(const MonitorFailed& x) {
      return std::string{"failed to "} + to_string(x.stage) + ": " + x.message;
    }
    std::string operator()(const MonitorSignalFailed& x) {
      return "signal failed: " + x.message;
    }
    std::string operator()(const MonitorWork& x) const {
      return "work of phase " + std::to_string(static_cast<int>(x.phase));
    }
    std::string operator()(const MonitorDeleted& x) {
      return "deleted; left: " + x.leftovers;
    }
  };
  return std::visit(Text{}, message);
}

MonitorRig::MonitorRig(Options options) : options_(std::move(options)) {
  auto id = next_runtime_id();
  auto host = detect_cgroup_host();
  REQUIRE(host);
  auto root = CgroupRoot::open(*host, "/berth-rig-" + std::to_string(::getpid()));
  REQUIRE(root);
  cgroups_ = std::move(*root);
  REQUIRE(cgroups_->prepare_pool({"rig"}));
  auto groups = cgroups_->container({"rig"}, id);
  auto bundle = container_directory() + "/" + bundle_name;
  REQUIRE(make_directories(bundle + "/" + rootfs_name, private_directory_mode));
  REQUIRE(make_directories(dir_ / "logs", private_directory_mode));
  REQUIRE(make_directories(dir_ / "state", private_directory_mode));
  REQUIRE(replace_file(bundle + "/config.json", config_of(options_, groups.oci_path).dump(),
                       private_file_mode, Durability::process));
  auto runtime = Argv{built_program("fake_runtime"), "--root",       dir_ / "state", "--log",
                      monitor_runtime_log_name,      "--log-format", "json"};
  auto verb = [&](Argv words) {
    words.insert(words.begin(), runtime.begin(), runtime.end());
    words.push_back(id);
    return words;
  };
  plan_.container = "rig";
  plan_.runtime_id = id;
  plan_.create_argv = verb({"create", "--bundle", bundle, "--pid-file", monitor_pid_name});
  plan_.start_argv = verb({"start"});
  plan_.delete_argv = verb({"delete"});
  plan_.kill_argv = verb({"kill"});
  if (options_.start_by_fifo)
    plan_.start_fifo = dir_ / ("state/" + id + "/exec.fifo");
  plan_.rootfs_lower = test_rootfs();
  plan_.layer_dir = dir_ / "layer";
  plan_.log_path = dir_ / "logs/container.log";
  plan_.log_max_size = options_.log_max_size;
  plan_.log_max_files = options_.log_max_files;
  plan_.cgroup_parent = groups.parent;
  plan_.memory_cgroup = groups.memory;
  plan_.leftover_cgroups = groups.leftovers;
  plan_.cgroup_v2 = host->version == CgroupVersion::v2;
  plan_.state_root = dir_ / "state";
}

MonitorRig::~MonitorRig() {
  // A test that failed half-way must not leave its container to the next one.
  if (monitor_ && connection_) {
    static_cast<void>(send_packet(connection_, encode(MonitorCommand{AbortCommand{}})));
    static_cast<void>(monitor_->wait_for(stretched(patience)));
  }
  cgroups_->remove_all();
}

void MonitorRig::spawn() {
  auto sockets = seqpacket_pair();
  REQUIRE(sockets);
  connection_ = std::move(sockets->first);
  auto options = SpawnOptions{};
  options.fd3 = sockets->second.get();
  options.cwd = container_directory();
  options.env = options_.env;
  options.new_session = true;
  auto child = Child::spawn({built_program("berth-monitor"), "--container", "rig"}, options);
  REQUIRE(child);
  monitor_ = std::move(*child);
}

void MonitorRig::launch() {
  spawn();
  send(plan_);
}

void MonitorRig::send(const MonitorCommand& command) {
  REQUIRE(send_packet(connection_, encode(command)));
}

void MonitorRig::disconnect() {
  connection_ = UniqueFd{};
}

void MonitorRig::reconnect() {
  auto directory = open_directory(container_directory());
  REQUIRE(directory);
  auto connection = seqpacket_connect(*directory, monitor_socket_name);
  REQUIRE(connection);
  connection_ = std::move(*connection);
}

std::optional<MonitorMessage> MonitorRig::next() {
  REQUIRE(wait_any({{&connection_, Interest::readable}}, stretched(patience)) != 0);
  auto packet = receive_packet(connection_, monitor_packet_limit);
  REQUIRE(packet);
  if (packet->kind == ReceivedPacket::Kind::closed)
    return std::nullopt;
  auto message = decode_monitor_message(packet->bytes);
  REQUIRE(message);
  return *message;
}

void MonitorRig::require(bool condition, const std::optional<MonitorMessage>& message) {
  INFO("the monitor said: " << (message ? describe(*message)
                                        : "nothing, it has closed the connection"));
  REQUIRE(condition);
}

MonitorExited MonitorRig::run_to_exit() {
  expect<MonitorCreated>();
  send(StartCommand{});
  expect<MonitorStarted>();
  return expect<MonitorExited>();
}

void MonitorRig::expect_nothing_left() {
  auto status = monitor_->wait_for(stretched(patience));
  REQUIRE(status);
  REQUIRE(status->has_value());
  CHECK((**status == ExitStatus{Exited{0}}));
  CHECK_FALSE(fs::exists(plan_.layer_dir));
  CHECK(fs::is_empty(plan_.state_root));
  CHECK_FALSE(fs::exists(container_directory() + "/" + monitor_socket_name));
  CHECK(fs::is_empty(container_directory() + "/" + bundle_name + "/" + rootfs_name));
  for (auto& group : plan_.leftover_cgroups)
    CHECK_FALSE(fs::exists(group));
  if (!plan_.cgroup_parent.empty())
    CHECK_FALSE(fs::exists(plan_.cgroup_parent));
  auto mounts = read_file("/proc/self/mountinfo", text_limit);
  REQUIRE(mounts);
  CHECK(mounts->find(dir_.path()) == std::string::npos);
  monitor_.reset();
}

std::string MonitorRig::logged(const std::string& stream) const {
  auto result = std::string{};
  for (auto n = 100; n >= 0; --n) {
    auto path = plan_.log_path + (n > 0 ? "." + std::to_string(n) : "");
    if (!fs::exists(path))
      continue;
    auto text = read_file(path, text_limit);
    REQUIRE(text);
    for (size_t begin = 0; begin < text->size();) {
      auto end = text->find('\n', begin);
      if (end == std::string::npos) // is being written at this moment
        break;
      auto entry = parse_cri_log_line(std::string_view{*text}.substr(begin, end - begin));
      REQUIRE(entry);
      if (to_string(entry->stream) == stream) {
        result += entry->text;
        if (!entry->partial)
          result += '\n';
      }
      begin = end + 1;
    }
  }
  return result;
}

} // namespace berth::test
