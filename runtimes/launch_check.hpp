#pragma once

#include "messages/error.hpp"
#include "messages/launch.hpp"
#include "messages/runtime_profile.hpp"

#include <cstddef>
#include <string_view>

/// What a launch may ask for. All functions are pure: whether a file exists is seen when it is
/// used.
namespace berth {

/// Arguments and environment together, with their terminating zeros. Linux takes no single argument
/// above this size (MAX_ARG_STRLEN), and the whole must stay clear of its limit for both.
constexpr size_t max_arguments_size = 128 * 1024;
/// Labels, mounts, sysctls, devices: how many of each.
constexpr size_t max_list_length = 64;
/// As for Kubernetes' annotations: large enough for a digest or a URL, small enough to be shown.
constexpr size_t max_label_key_size = 128;
constexpr size_t max_label_value_size = 4096;
/// runc's own init needs about 2.5 MiB in the container's cgroup before the program starts;
/// Docker's floor is 6 MiB.
constexpr uint64_t min_memory_bytes = 6 * 1024 * 1024;
/// Larger numbers are mistakes, and would overflow in the runtimes.
constexpr uint64_t max_memory_bytes = uint64_t{1} << 50;
/// The kernel takes no CPU quota below 1 ms, which is this in a period of 100 ms.
constexpr uint64_t min_cpu_millis = 10;
constexpr uint64_t max_cpu_millis = 10'000'000;
/// PID_MAX_LIMIT of 64-bit Linux.
constexpr uint64_t max_pids = 4'194'304;

/// Everything that can be wrong with a launch before pool and runtime are known. Fails with
/// `bad_id` or `bad_request`.
Result<void> check_launch(const LaunchSpec& spec);

/// Refuses with `unsupported` what the runtime would silently ignore although it was asked for by
/// name.
Result<void> check_support(const LaunchSpec& spec, const RuntimeProfile& profile);

/// Floors and ceilings that come from kernel and runtimes; 0 is none. Fails with `bad_request`.
Result<void> check_limits(const Limits& limits);

/// The arguments, additional environment and working directory of a process. Fails with
/// `bad_request`.
Result<void> check_process(const Argv& args, const std::vector<std::string>& env,
                           const std::string& workdir);

/// `path` without repeated or trailing slashes.
std::string normalize_path(std::string_view path);

} // namespace berth
