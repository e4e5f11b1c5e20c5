#pragma once

#include "tests/e2e/nodes.hpp"

#include <atomic>
#include <mutex>
#include <set>
#include <thread>

namespace berth::test {

constexpr auto clients = 8;

/// What launches on a node that is changed meanwhile came to.
struct Load {
  std::atomic<bool> stop = false;
  /// Accepted, and ran to their end.
  std::atomic<int> launched = 0;
  /// Refused because an actor was being started again; the only refusal there may be.
  std::atomic<int> refused = 0;
  std::mutex mutex;
  std::vector<std::string> wrong;
  std::vector<std::thread> threads;

  /// Eight clients that launch without a pause, each container printing what nobody else prints.
  explicit Load(const TestNode& node, const std::string& pool) {
    for (auto client = 0; client < clients; ++client)
      threads.emplace_back([&node, pool, client, this] {
        for (auto i = 0; !stop; ++i) {
          auto token = "c" + std::to_string(client) + "-" + std::to_string(i);
          auto done = node.run(pool, {"--rm", "--id", token}, {"/bin/echo", token}, std::chrono::seconds{120});
          if (done.code == 0 && done.out == token + "\n") {
            ++launched;
            continue;
          }
          if (done.code == 125 && done.out.empty() && contains(done.err, "restarting: ")) {
            ++refused;
            continue;
          }
          auto guard = std::lock_guard{mutex};
          wrong.push_back(token + ": " + describe(done));
        }
      });
  }

  ~Load() {
    finish();
  }

  void finish() {
    stop = true;
    for (auto& thread : threads)
      thread.join();
    threads.clear();
  }
};

/// By generation of the pool, the runtime that plain launches of it get.
inline std::map<uint64_t, std::string> runtimes_of(const std::vector<Json>& events, const std::string& first) {
  auto result = std::map<uint64_t, std::string>{{1, first}};
  for (auto& event : events)
    if (event["type"] == "pool.generation")
      result[event["generation"]] = event["data"]["runtime"];
  return result;
}

/// Every launch ran to its end, once, on the runtime of the generation in its record; nothing else did.
inline void check_events(const TestNode& node, const std::string& first, int launched) {
  auto events = node.events();
  auto runtimes = runtimes_of(events, first);
  auto counts = std::map<std::string, int>{};
  auto seen = std::map<std::string, std::set<std::string>>{};
  for (auto& event : events) {
    auto type = event["type"].get<std::string>();
    auto id = event.value("container", "");
    // An actor may die more than once.
    if (!id.starts_with("c") || type.starts_with("actor."))
      continue;
    ++counts[type];
    INFO(type << " of " << id);
    CHECK(seen[type].insert(id).second);
    if (type == "container.running")
      CHECK(event["data"]["runtime"] == runtimes.at(event["generation"].get<uint64_t>()));
  }
  for (auto type : {"container.accepted", "container.running", "container.exited", "container.removed"}) {
    INFO(type);
    CHECK(counts[type] == launched);
  }
}

} // namespace berth::test
