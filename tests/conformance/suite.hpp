#pragma once

#include "messages/types.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/skip.hpp"
#include "tests/support/test_node.hpp"

#include <iostream>

namespace berth::test {

/// The runtime that this run of the suite is about: BERTH_TEST_RUNTIME is `fake`, `runc` or `gvisor`, BERTH_TEST_BINARY its
/// program. BERTH_TEST_PLATFORM is gVisor's platform; without it ptrace for releases before systrap was its default.
struct RuntimeUnderTest {
  std::string kind;
  std::string binary;
  std::string platform;

  /// Does only what Berth itself is tested with: no CPU limits, devices, parameters of the kernel, or filters.
  bool is_fake() const {
    return kind == "fake";
  }

  bool is_gvisor() const {
    return kind == "gvisor";
  }

  /// As Berth calls it.
  std::string name() const {
    return is_gvisor() ? "gvisor" : "runc";
  }

  /// Do processes of the container exist as processes of the host? gVisor's do not.
  bool has_host_processes() const {
    return !is_gvisor();
  }
};

const RuntimeUnderTest& runtime();

/// Why the suite cannot run here; empty if it can.
std::string why_not();

/// A node of the suite: `pools` are the lines below "pools:", `node` those below "berth:" beside what all need. Every pool
/// gets the runtime under test, since that is the worker's.
std::string suite_config(const std::string& pools, const std::string& node = {});

/// Use of the node that all cases share, with the pools `main`, `limited` and `small`. At the end the containers of the case
/// are removed, and it fails if anything of them is left.
class SharedNode {
public:
  SharedNode();
  ~SharedNode();

  TestNode& node() const noexcept {
    return *node_;
  }

private:
  TestNode* node_;
};

/// The program of tests/fakes, as seen from a container.
inline std::string inside() {
  return "/bin/inside";
}

/// A memory limit that the runtime under test can start with, in the notation of `--memory` and in bytes.
constexpr auto small_memory = "32M";
constexpr uint64_t small_memory_bytes = 32 * 1024 * 1024;

/// Says that a case makes no sense for the fake runtime, and why.
inline bool is_beyond_fake(std::string_view why) {
  if (runtime().is_fake())
    std::cout << "\nnot for the fake runtime: " << why << std::endl;
  return runtime().is_fake();
}

/// The same for gVisor.
inline bool is_beyond_gvisor(std::string_view why) {
  if (runtime().is_gvisor())
    std::cout << "\nnot for gVisor: " << why << std::endl;
  return runtime().is_gvisor();
}

/// The same for runtimes whose processes the host sees.
inline bool is_beyond_host(std::string_view why) {
  if (!runtime().is_gvisor())
    std::cout << "\nonly for gVisor: " << why << std::endl;
  return !runtime().is_gvisor();
}

/// A shell command that prints "ready", then sleeps for ever in small steps, so that traps are served at once.
inline std::string idle_loop() {
  return "echo ready; while :; do sleep 0.02; done";
}

inline Argv shell(const std::string& script) {
  return {"/bin/sh", "-c", script};
}

/// Waits until the container has printed a line "ready".
bool is_ready(const TestNode& node, const std::string& id);

} // namespace berth::test

/// Begins a case: skips it where the runtime is missing, and declares `node`.
#define BERTH_SUITE_NODE(node)                                        \
  if (auto reason = ::berth::test::why_not(); !reason.empty())        \
    BERTH_SKIP(reason);                                               \
  auto node##_use = ::berth::test::SharedNode{};                      \
  [[maybe_unused]] auto& node = node##_use.node()
