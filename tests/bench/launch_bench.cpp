// See launch.sh.

#include "runtimes/linux/file.hpp"
#include "runtimes/linux/pidfd.hpp"
#include "runtimes/linux/process.hpp"
#include "tests/bench/measurement.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/http.hpp"
#include "tests/support/test_node.hpp"

#include <filesystem>
#include <future>
#include <mutex>

#include <poll.h>
#include <sys/wait.h>

using namespace berth;
using namespace berth::test;
using Clock = std::chrono::steady_clock;

namespace {

Json must_post(const TestNode& node, const std::string& target, const Json& body, int status) {
  auto answer = http(node.socket(), "POST", target, body.dump());
  must(answer.status == status, target + ": " + answer.body);
  return Json::parse(answer.body);
}

Json launch_request(const char* id, Json args) {
  return {{"pool", "web"}, {"id", id}, {"rootfs", test_rootfs()}, {"args", std::move(args)}};
}

void remove(const TestNode& node, const std::string& id) {
  http(node.socket(), "DELETE", "/v1/containers/" + id + "?force=true");
}

// -- launches ---------------------------------------------------------------------------------------------------------

/// `runc create` and `runc start` by hand, on the bundle of a container of ours.
class BareRunc {
public:
  BareRunc(const TestNode& node, const std::string& directory) : directory_(directory) {
    auto info = must_post(node, "/v1/containers", launch_request("template", {"/bin/sleep", "1000"}), 201);
    config_ = Json::parse(text_of(info["directory"].get<std::string>() + "/bundle/config.json"));
    remove(node, "template");
    config_["process"]["args"] = {"/bin/true"};
    config_["root"]["path"] = test_rootfs();
    base_ = info["cgroup"].get<std::string>();
    std::filesystem::create_directories(directory_ + "/bundle");
    must(static_cast<bool>(become_subreaper()), "cannot become a subreaper");
  }

  double run_once(int number) {
    auto id = "bench" + std::to_string(number);
    config_["linux"]["cgroupsPath"] = base_.substr(0, base_.find('/', 1)) + "/bench/" + id;
    write(directory_ + "/bundle/config.json", config_.dump());
    auto begin = Clock::now();
    auto created = runc({"create", "--bundle", directory_ + "/bundle", "--pid-file", directory_ + "/pid", id});
    auto started = runc({"start", id});
    auto end = Clock::now();
    must(created && started, "runc fails");
    auto status = 0;
    ::waitpid(std::stoi(text_of(directory_ + "/pid")), &status, 0);
    must(runc({"delete", id}), "runc delete fails");
    return ms_between(begin, end);
  }

private:
  static void write(const std::string& path, const std::string& text) {
    must(static_cast<bool>(replace_file(path, text, 0600, Durability::process)), "cannot write " + path);
  }

  bool runc(Argv verb) const {
    verb.insert(verb.begin(), {"runc", "--root", directory_ + "/root"});
    // A container inherits the descriptors of its `create`, so that they must not be pipes that we would wait on.
    auto child = Child::spawn(verb);
    auto status = child ? child->wait() : failure(child.error());
    return status && succeeded(*status);
  }

  std::string directory_;
  std::string base_;
  Json config_;
};

void bench_launches(const TestNode& node, int count) {
  auto directory = TempDir{};
  auto bare = BareRunc{node, directory.path()};
  auto bare_times = Series{};
  auto server_times = Series{};
  auto client_times = Series{};
  for (auto i = 0; i < count; ++i) {
    bare_times.values.push_back(bare.run_once(i));
    auto begin = Clock::now();
    auto info = must_post(node, "/v1/containers", launch_request("bench", {"/bin/true"}), 201);
    client_times.values.push_back(ms_between(begin, Clock::now()));
    remove(node, "bench");
  }
  for (const auto& event : node.events())
    if (event["type"] == "container.running" && event["container"] == "bench")
      server_times.values.push_back(event["data"]["startNs"].get<double>() / 1e6);
  bare_times.print("bare runc create + start");
  server_times.print("Berth: request accepted to container running");
  client_times.print("Berth: HTTP request to answer, at the client");
  std::printf("overhead at the median: %+.2f ms, ratio %.2f (to reach: at most +4 ms)\n",
              server_times.at(0.5) - bare_times.at(0.5), server_times.at(0.5) / bare_times.at(0.5));
}

// -- OOM --------------------------------------------------------------------------------------------------------------

/// Notes when each `container.oom` arrives at a client of the event stream.
class OomClient {
public:
  explicit OomClient(const TestNode& node)
    : connection_(node.socket()), reader_([this] { read(); }) {
    // The reader sends the request itself.
  }

  ~OomClient() {
    stop_ = true;
    reader_.join();
  }

  Clock::time_point arrival(const std::string& container) {
    auto found = [&] {
      auto lock = std::lock_guard{mutex_};
      return arrivals_.count(container) > 0;
    };
    must(eventually(std::chrono::seconds{30}, found), "no OOM event for " + container);
    auto lock = std::lock_guard{mutex_};
    return arrivals_.at(container);
  }

private:
  void read() {
    connection_.send("GET /v1/events?follow=true&type=container.oom HTTP/1.1\r\nHost: berth\r\n\r\n");
    auto seen = size_t{0};
    while (!stop_) {
      auto more = [&](std::string_view text) { return text.size() > seen; };
      const auto& text = connection_.read_until(more, std::chrono::milliseconds{200});
      auto time = Clock::now();
      auto lock = std::lock_guard{mutex_};
      // The id is unique in the stream, so that the framing need not be undone.
      for (auto at = text.find("\"container\":\"", seen); at != std::string::npos;
           at = text.find("\"container\":\"", at + 1)) {
        auto begin = at + 13;
        arrivals_.emplace(text.substr(begin, text.find('"', begin) - begin), time);
      }
      seen = text.size();
    }
  }

  RawConnection connection_;
  std::mutex mutex_;
  std::map<std::string, Clock::time_point> arrivals_;
  std::atomic<bool> stop_{false};
  std::thread reader_;
};

/// When the process has ended.
std::future<Clock::time_point> death_of(int pid) {
  auto pidfd = open_pidfd(pid, process_start_time(pid).value_or(0));
  must(static_cast<bool>(pidfd), "victim is gone already");
  return std::async(std::launch::async, [fd = std::make_shared<UniqueFd>(std::move(*pidfd))] {
    auto item = pollfd{fd->get(), POLLIN, 0};
    while (::poll(&item, 1, -1) < 0) {
      // interrupted
    }
    return Clock::now();
  });
}

int child_of(int pid) {
  auto path = "/proc/" + std::to_string(pid) + "/task/" + std::to_string(pid) + "/children";
  auto child = 0;
  must(eventually(std::chrono::seconds{10}, [&] { return (child = std::atoi(text_of(path).c_str())) > 0; }), "no child");
  return child;
}

void bench_oom(const TestNode& node, int count) {
  auto client = OomClient{node};
  auto main_times = Series{};
  auto child_times = Series{};
  for (auto i = 0; i < count; ++i) {
    // The victim waits until its death is watched.
    auto main_id = "oom-main-" + std::to_string(i);
    auto request = launch_request(main_id.c_str(), {"/bin/sh", "-c", "sleep 0.1; exec /bin/inside eat"});
    request["memory"] = "24M";
    auto info = must_post(node, "/v1/containers", request, 201);
    auto death = death_of(info["pid"]);
    main_times.values.push_back(ms_between(death.get(), client.arrival(main_id)));
    remove(node, main_id);
    auto child_id = "oom-child-" + std::to_string(i);
    request = launch_request(child_id.c_str(), {"/bin/sh", "-c", "(sleep 0.1; exec /bin/inside eat); sleep 1000"});
    request["memory"] = "24M";
    info = must_post(node, "/v1/containers", request, 201);
    death = death_of(child_of(info["pid"]));
    child_times.values.push_back(ms_between(death.get(), client.arrival(child_id)));
    remove(node, child_id);
  }
  main_times.print("OOM kill of a container: death to subscriber");
  child_times.print("OOM kill of a process: death to subscriber");
  std::printf("to reach at p99: 5 ms and 15 ms; below zero: told before the process was gone\n");
}

// -- memory -----------------------------------------------------------------------------------------------------------

double field_kib(const std::string& path, const std::string& key) {
  auto text = text_of(path);
  auto at = text.find(key);
  return at == std::string::npos ? 0 : std::atof(text.c_str() + at + key.size());
}

void print_memory(const TestNode& node) {
  auto rss = field_kib("/proc/" + std::to_string(node.pid()) + "/status", "VmRSS:");
  auto info = must_post(node, "/v1/containers", launch_request("idle", {"/bin/sleep", "1000"}), 201);
  auto stat = text_of("/proc/" + std::to_string(info["pid"].get<int>()) + "/stat");
  auto parent = std::atoi(stat.c_str() + stat.rfind(')') + 4);
  auto rollup = "/proc/" + std::to_string(parent) + "/smaps_rollup";
  auto monitor = field_kib(rollup, "Private_Dirty:") + field_kib(rollup, "Private_Clean:");
  remove(node, "idle");
  std::printf("berthd resident after this load: %.1f MiB (to reach, idle: at most 25 MiB)\n", rss / 1024);
  std::printf("%s private: %.2f MiB (to reach: at most 1 MiB)\n", process_name(parent).c_str(), monitor / 1024);
}

double idle_rss(const TestNode& node) {
  return field_kib("/proc/" + std::to_string(node.pid()) + "/status", "VmRSS:") / 1024;
}

} // namespace

TEST_CASE("launches and OOM kills, measured") {
  auto launches = count_from_env("BERTH_BENCH_LAUNCHES", 200, 20);
  auto kills = count_from_env("BERTH_BENCH_KILLS", 50, 5);
  auto node = TestNode{"worker: {pools: {web: {runtime: runc}}}\n"};
  std::printf("berthd resident, idle: %.1f MiB\n", idle_rss(node));
  bench_launches(node, launches);
  bench_oom(node, kills);
  print_memory(node);
  CHECK(node.stop() == "");
}
