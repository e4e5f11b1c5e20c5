#pragma once

#include "tests/support/alive.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/http.hpp"
#include "tests/support/installed.hpp"
#include "tests/support/skip.hpp"
#include "tests/support/test_node.hpp"

namespace berth::test {

/// A configuration: what `worker` and `berth` hold beside the deadlines of this machine, each line with its indentation.
inline std::string config_of(const std::string& worker, const std::string& node = {}) {
  return "worker:\n" + worker + "berth:\n  startTimeout: " + stretched_seconds(30) + "\n" + node;
}

/// The deadline for probes that are expected to succeed.
inline std::string patient_probe() {
  return "  probeTimeout: " + stretched_seconds(20) + "\n";
}

/// "  runtimeConfig: {gvisorPlatform: ptrace}", the platform that works anywhere.
inline std::string gvisor_config() {
  return "runtimeConfig: {gvisorPlatform: " + usual_platform(installed_runsc()) + "}";
}

/// A node with one pool `plain` of runc.
inline std::string plain_config(const std::string& node = {}) {
  return config_of("  pools:\n    plain: {}\n", patient_probe() + node);
}

inline Argv shell(const std::string& script) {
  return {"/bin/sh", "-c", script};
}

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// The state of one pool.
inline Json pool_of(const TestNode& node, const std::string& name) {
  return node.query({"pools", name});
}

} // namespace berth::test

/// Begins a case that needs runc, or runc and gVisor.
#define BERTH_NEEDS_RUNC()                       \
  if (::berth::test::installed_runc().empty())   \
  BERTH_SKIP("there is no runc (set BERTH_TEST_RUNC)")
#define BERTH_NEEDS_GVISOR()                     \
  BERTH_NEEDS_RUNC();                            \
  if (::berth::test::installed_runsc().empty())  \
  BERTH_SKIP("there is no runsc (set BERTH_TEST_RUNSC)")
