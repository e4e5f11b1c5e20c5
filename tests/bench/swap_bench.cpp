// See swap.sh.

#include "runtimes/timestamp.hpp"
#include "tests/bench/measurement.hpp"
#include "tests/e2e/nodes.hpp"

#include <array>
#include <atomic>
#include <fstream>
#include <mutex>

using namespace berth;
using namespace berth::test;
using namespace std::chrono_literals;

namespace {

constexpr auto clients = 8;
constexpr auto patience = std::chrono::minutes{3};
/// After the answer to a change, for the launches that are on their way.
constexpr auto settling_ms = 2000.0;

/// Milliseconds since the epoch, as the times of events and receipts.
double wall_time() {
  return static_cast<double>(now().ns) / 1e6;
}

double time_of(const Json& text) {
  auto time = parse_timestamp(text.get<std::string>());
  must(static_cast<bool>(time), "no time: " + text.dump());
  return static_cast<double>(time->ns) / 1e6;
}

struct Span {
  double begin = 0;
  double end = 0;

  double length() const {
    return end - begin;
  }

  bool overlaps(const Span& other) const {
    return begin <= other.end && other.begin <= end;
  }
};

void wait_until(double time) {
  eventually(1h, [&] { return wall_time() >= time; });
}

// -- changes ----------------------------------------------------------------------------------------------------------

enum Kind : size_t { limit, to_gvisor, to_runc };

constexpr auto kinds = std::array{limit, to_gvisor, to_runc};
constexpr auto kind_names = std::array{"a limit, on runc", "runc -> gVisor", "gVisor -> runc"};

struct Change {
  Kind kind = limit;
  double plan_command = 0;
  double plan = 0;
  double prepare = 0;
  double commit = 0;
  Span committing;
  /// From the beginning of the plan until long after the commit, and then a time of the same length with no change.
  Span window;
  Span quiet;
};

/// One change of each kind makes a round, at whose end the pool is on runc.
std::string config_after(Kind kind, int round) {
  auto pool = "maxContainers: " + std::to_string(1000 + round);
  if (auto starts = count_from_env("BERTH_BENCH_STARTS", 0, 0); starts > 0)
    pool += ", maxConcurrentStarts: " + std::to_string(starts);
  if (kind == to_gvisor)
    pool += ", runtime: gvisor, " + gvisor_config();
  return config_of("  pools:\n    plain: {" + pool + "}\n", patient_probe() + "  eventHistory: 1000000\n");
}

Change carry_out(const TestNode& node, Kind kind, int round) {
  auto file = node.root() + "/next.yaml";
  std::ofstream{file} << config_after(kind, round);
  auto change = Change{};
  change.kind = kind;
  change.window.begin = wall_time();
  auto planned = node.berth({"plan", "-f", file});
  change.plan_command = wall_time() - change.window.begin;
  must(planned.code == 2, describe(planned));
  auto done = node.berth({"apply", "-f", file, "--timeout", stretched_seconds(120), "-o", "json"}, patience);
  must(done.code == 0, describe(done));
  change.window.end = wall_time();
  auto receipt = Json::parse(done.out);
  must(receipt["pools"][0]["newRuntime"] == (kind == to_gvisor ? "gvisor" : "runc"), done.out);
  change.plan = receipt["phases"]["planMs"];
  change.prepare = receipt["phases"]["prepareMs"];
  change.commit = receipt["phases"]["commitMs"];
  auto begin = time_of(receipt["time"]);
  change.committing = {begin, begin + change.commit};
  return change;
}

std::vector<Change> change_idle(const TestNode& node, int rounds) {
  auto result = std::vector<Change>{};
  for (auto round = 1; round <= rounds; ++round)
    for (auto kind : kinds)
      result.push_back(carry_out(node, kind, round));
  return result;
}

/// The changes at equal distances, if they are not too slow for that; each with a quiet time before the next one.
std::vector<Change> change_under_load(const TestNode& node, int rounds, int first_round, int seconds) {
  auto window_ms = 1000.0 * seconds / (2.0 * static_cast<double>(kinds.size()) * rounds);
  wait_until(wall_time() + window_ms);
  auto result = std::vector<Change>{};
  for (auto round = first_round; round < first_round + rounds; ++round) {
    std::fprintf(stderr, "under load: round %d of %d\n", round - first_round + 1, rounds);
    for (auto kind : kinds) {
      auto change = carry_out(node, kind, round);
      auto length = std::max(window_ms, change.window.length() + settling_ms);
      change.window.end = change.window.begin + length;
      change.quiet = {change.window.end, change.window.end + length};
      wait_until(change.quiet.end);
      result.push_back(change);
    }
  }
  return result;
}

Series series_of(const std::vector<Change>& changes, Kind kind, double Change::*value) {
  auto result = Series{};
  for (const auto& change : changes)
    if (change.kind == kind)
      result.values.push_back(change.*value);
  return result;
}

void print_phases(const std::vector<Change>& idle, const std::vector<Change>& loaded) {
  struct Row {
    const char* name;
    double Change::*value;
  };
  constexpr auto rows = std::array{Row{"`berth plan`", &Change::plan_command}, Row{"plan", &Change::plan},
                                   Row{"prepare", &Change::prepare}, Row{"commit", &Change::commit}};
  std::printf("\n%-40s idle: median      p99      max   loaded: median      p99      max   ratio of medians\n",
              "Time of a change, ms");
  for (auto kind : kinds)
    for (const auto& row : rows) {
      auto a = series_of(idle, kind, row.value);
      auto b = series_of(loaded, kind, row.value);
      std::printf("%-18s %-14s n=%-4zu %14.2f %8.2f %8.2f %16.2f %8.2f %8.2f %18.2f\n", kind_names[kind], row.name,
                  a.values.size(), a.at(0.5), a.at(0.99), a.at(1), b.at(0.5), b.at(0.99), b.at(1), b.at(0.5) / a.at(0.5));
    }
}

// -- load -------------------------------------------------------------------------------------------------------------

/// Eight clients that launch without a pause: each waits for the end of a container before its next request.
class Load {
public:
  explicit Load(const TestNode& node) {
    for (auto client = 0; client < clients; ++client)
      threads_.emplace_back([this, socket = node.socket(), client] {
        for (auto i = 0; !stop_; ++i)
          launch(socket, "c" + std::to_string(client) + "-" + std::to_string(i));
      });
  }

  ~Load() {
    finish();
  }

  void finish() {
    stop_ = true;
    for (auto& thread : threads_)
      thread.join();
    threads_.clear();
  }

  /// From the request to the answer that the container runs, by its id. Only after the end.
  const std::map<std::string, Span>& launches() const {
    return launches_;
  }

  const std::vector<std::string>& wrong() const {
    return wrong_;
  }

private:
  void launch(const std::string& socket, const std::string& id) {
    auto order = Json{{"pool", "plain"}, {"id", id}, {"rootfs", test_rootfs()}, {"args", {"/bin/true"}}, {"remove", true}};
    auto request = http_request("POST", "/v1/containers?attach=true", order.dump());
    auto is_running = [](std::string_view text) { return text.find(R"("type":"running")") != std::string_view::npos; };
    auto span = Span{wall_time(), 0};
    auto connection = RawConnection{socket};
    connection.send(request);
    connection.read_until(is_running, patience);
    span.end = wall_time();
    connection.read_to_end(patience);
    auto lines = lines_of(parse_answer(connection.received()).body);
    auto last = lines.empty() ? Json{} : Json::parse(lines.back(), nullptr, false);
    auto good = last.is_object() && last.value("type", "") == "exited" && last["container"]["exit"]["code"] == 0;
    auto lock = std::lock_guard{mutex_};
    launches_[id] = span;
    if (!good)
      wrong_.push_back(id + ": " + connection.received());
  }

  std::atomic<bool> stop_ = false;
  std::mutex mutex_;
  std::map<std::string, Span> launches_;
  std::vector<std::string> wrong_;
  std::vector<std::thread> threads_;
};

struct Launch {
  std::string runtime;
  /// From `container.accepted` to `container.running`.
  Span start;
  /// From the request to the answer, as its client sees it.
  Span call;
};

/// In the order in which they came to run.
std::vector<Launch> launches_of(const TestNode& node, const Load& load) {
  auto answer = http(node.socket(), "GET", "/v1/events?since=0&type=container.accepted,container.running", {}, patience);
  must(answer.status == 200, "no events: " + answer.head);
  auto accepted = std::map<std::string, double>{};
  auto result = std::vector<Launch>{};
  for (const auto& line : lines_of(answer.body)) {
    auto event = Json::parse(line, nullptr, false);
    if (!event.is_object())
      continue;
    must(event["type"] != "gap" && !event.contains("error"), line);
    auto id = event["container"].get<std::string>();
    auto time = time_of(event["time"]);
    if (event["type"] == "container.accepted")
      accepted[id] = time;
    else
      result.push_back({event["data"]["runtime"], {accepted.at(id), time}, load.launches().at(id)});
  }
  must(result.size() == load.launches().size(), "not every launch is among the events");
  std::sort(result.begin(), result.end(), [](const auto& x, const auto& y) { return x.start.end < y.start.end; });
  return result;
}

// -- gaps between launches --------------------------------------------------------------------------------------------

/// The longest time without a container that began to run. It belongs to the window that it begins in, and is not cut.
double longest_gap(const std::vector<Launch>& launches, const Span& window) {
  auto result = 0.0;
  auto found = false;
  for (size_t i = 1; i < launches.size(); ++i) {
    auto begin = launches[i - 1].start.end;
    if (begin < window.begin || begin >= window.end)
      continue;
    found = true;
    result = std::max(result, launches[i].start.end - begin);
  }
  return found ? result : window.length();
}

void print_gaps(const std::vector<Launch>& launches, const std::vector<Change>& changes) {
  auto quiet_runc = Series{};
  auto quiet_gvisor = Series{};
  auto changed = std::array<Series, kinds.size()>{};
  auto lengths = Series{};
  for (const auto& change : changes) {
    changed[change.kind].values.push_back(longest_gap(launches, change.window));
    auto& quiet = change.kind == to_gvisor ? quiet_gvisor : quiet_runc;
    quiet.values.push_back(longest_gap(launches, change.quiet));
    lengths.values.push_back(change.window.length());
  }
  std::printf("\nLongest gap between two launches that came to run, in windows of %.1f s (at most %.1f s)\n",
              lengths.at(0.5) / 1000, lengths.at(1) / 1000);
  quiet_runc.print("nothing changes, on runc");
  quiet_gvisor.print("nothing changes, on gVisor");
  for (auto kind : kinds) {
    auto& gaps = changed[kind];
    gaps.print(kind_names[kind]);
    // A swap has launches of both runtimes in its window.
    auto quiet_at = [&](double quantile) {
      return kind == limit ? quiet_runc.at(quantile) : std::max(quiet_runc.at(quantile), quiet_gvisor.at(quantile));
    };
    std::printf("  ratio to nothing changes, on %s: median %.2f, worst %.2f\n", kind == limit ? "runc" : "the slower runtime",
                gaps.at(0.5) / quiet_at(0.5), gaps.at(1) / quiet_at(1));
  }
}

// -- launches beside commits ------------------------------------------------------------------------------------------

void print_difference(const char* name, Series& a, Series& b) {
  std::printf("  %-50s median %+.2f  p99 %+.2f  max %+.2f ms\n", name, a.at(0.5) - b.at(0.5), a.at(0.99) - b.at(0.99),
              a.at(1) - b.at(1));
}

/// Those of one runtime that were under way at one of the moments.
Series under_way(const std::vector<Launch>& launches, Span Launch::*span, const std::vector<Span>& moments) {
  auto result = Series{};
  for (const auto& moment : moments)
    for (const auto& launch : launches)
      if ((launch.*span).overlaps(moment))
        result.values.push_back((launch.*span).length());
  return result;
}

/// Those that began first after each of the moments, one for each client.
Series next_ones(std::vector<Launch> launches, Span Launch::*span, const std::vector<Span>& moments) {
  std::sort(launches.begin(), launches.end(), [&](const auto& x, const auto& y) { return (x.*span).begin < (y.*span).begin; });
  auto result = Series{};
  for (const auto& moment : moments) {
    auto next = std::find_if(launches.begin(), launches.end(), [&](const auto& x) { return (x.*span).begin > moment.end; });
    for (auto i = 0; i < clients && next != launches.end(); ++i, ++next)
      result.values.push_back((*next.*span).length());
  }
  return result;
}

void print_launches(const std::string& title, Span Launch::*span, const std::vector<Launch>& all,
                    const std::vector<Change>& changes, const std::string& runtime) {
  auto launches = std::vector<Launch>{};
  std::copy_if(all.begin(), all.end(), std::back_inserter(launches), [&](const auto& x) { return x.runtime == runtime; });
  auto commits = std::vector<Span>{};
  auto commits_to = std::vector<Span>{};
  auto quiet_moments = std::vector<Span>{};
  auto by_kind = std::array<std::vector<Span>, kinds.size()>{};
  for (const auto& change : changes) {
    commits.push_back(change.committing);
    by_kind[change.kind].push_back(change.committing);
    auto middle = (change.quiet.begin + change.quiet.end) / 2;
    auto ends_here = (change.kind == to_gvisor) == (runtime == "gvisor");
    if (ends_here)
      quiet_moments.push_back({middle, middle + change.commit});
    if (ends_here)
      commits_to.push_back(change.committing);
  }
  auto apart = Series{};
  for (const auto& launch : launches)
    if (std::none_of(commits.begin(), commits.end(), [&](const auto& x) { return (launch.*span).overlaps(x); }))
      apart.values.push_back((launch.*span).length());
  std::printf("\n%s, on %s\n", title.c_str(), runtime.c_str());
  apart.print("under way during no commit");
  auto quiet = under_way(launches, span, quiet_moments);
  quiet.print("under way at a moment in the middle of quiet");
  for (auto kind : kinds)
    if (auto during = under_way(launches, span, by_kind[kind]); !during.values.empty())
      during.print(std::string{"under way during a commit: "} + kind_names[kind]);
  auto during = under_way(launches, span, commits);
  during.print("under way during any commit");
  print_difference("more than during no commit", during, apart);
  print_difference("more than at a quiet moment", during, quiet);
  auto next = next_ones(launches, span, commits_to);
  next.print("the first eight after a commit to this runtime");
  print_difference("more than during no commit", next, apart);
}

std::string load_average() {
  auto text = text_of("/proc/loadavg");
  return text.substr(0, text.find(' '));
}

} // namespace

TEST_CASE("changes of a running node, measured") {
  BERTH_NEEDS_GVISOR();
  auto rounds = count_from_env("BERTH_BENCH_SWAPS", 20, 2);
  auto seconds = count_from_env("BERTH_BENCH_SECONDS", 480, 60);
  auto node = TestNode{config_after(to_runc, 0)};
  std::printf("%u processors, load average %s; gVisor: %s\n", std::thread::hardware_concurrency(), load_average().c_str(),
              gvisor_config().c_str());
  std::fflush(stdout);
  auto idle = change_idle(node, rounds);
  auto load = Load{node};
  auto loaded = change_under_load(node, rounds, rounds + 1, seconds);
  std::printf("load average under load, with others on this machine: %s\n", load_average().c_str());
  load.finish();
  auto launches = launches_of(node, load);
  std::printf("%zu launches under load, %zu of them not answered as they should be\n", launches.size(), load.wrong().size());
  print_phases(idle, loaded);
  print_gaps(launches, loaded);
  for (auto runtime : {"runc", "gvisor"}) {
    print_launches("Launches, accepted to running", &Launch::start, launches, loaded, runtime);
    print_launches("Launches, request to answer", &Launch::call, launches, loaded, runtime);
  }
  std::printf("\nA launch that takes long is the likelier to be under way at any moment: compare with a quiet moment.\n"
              "To reach: at most 50 ms more because of a commit.\n");
  for (const auto& wrong : load.wrong())
    UNSCOPED_INFO(wrong);
  CHECK(load.wrong().empty());
  CHECK(node.stop() == "");
}
