#include "runtimes/oci_adapt.hpp"

#include "runtimes/launch_check.hpp"

#include <algorithm>

namespace berth {

namespace {

BundleTraits adapt_to_runc(const BundleRequest& request, const RuntimeProfile& profile) {
  auto result = BundleTraits{};
  result.limits = request.spec.limits;
  result.seccomp = true;
  result.oom_group = request.oom_group;
  // Since 1.1.0. Without it, a read-only mount of /data leaves /data/disk writable if that is a
  // mount of its own.
  result.recursive_mount_options =
    profile.version.compare(0, 2, "0.") != 0 && profile.version.compare(0, 3, "1.0") != 0;
  return result;
}

BundleTraits adapt_to_gvisor(const BundleRequest& request) {
  auto result = BundleTraits{};
  auto& asked = request.spec.limits;
  result.limits.cpu_millis = asked.cpu_millis;
  if (asked.memory_bytes > 0)
    result.limits.memory_bytes =
      std::max(asked.memory_bytes, gvisor_min_memory) + gvisor_extra_memory;
  if (asked.pids > 0)
    result.limits.pids = asked.pids + gvisor_extra_pids;
  // The sandbox's own filter on the host is stricter than any of ours, and inside it the calls end
  // in gVisor's kernel.
  result.seccomp = false;
  // An OOM kill takes the whole sandbox in any case.
  result.oom_group = false;
  // gVisor applies the options to all that it serves from a source.
  result.recursive_mount_options = false;
  return result;
}

} // namespace

Result<BundleTraits> adapt_bundle(const BundleRequest& request, const RuntimeProfile& profile) {
  if (auto supported = check_support(request.spec, profile); !supported)
    return failure(supported.error());
  if (auto limits = check_limits(request.spec.limits); !limits)
    return failure(limits.error());
  switch (profile.kind) {
    case RuntimeKind::runc: return adapt_to_runc(request, profile);
    case RuntimeKind::gvisor: return adapt_to_gvisor(request);
  }
  return failure(ec::internal, "bundle", "no such runtime");
}

} // namespace berth
