#include "actors/policy/same_invocation.hpp"

namespace berth {

bool same_invocation(RuntimeKind kind, const Invocation& a, const Invocation& b) {
  if (a.node.probe_timeout.value != b.node.probe_timeout.value)
    return false;
  if (kind == RuntimeKind::runc)
    return a.node.runc_binary.value == b.node.runc_binary.value;
  return a.node.runsc_binary.value == b.node.runsc_binary.value
         && a.pool.gvisor_platform.value == b.pool.gvisor_platform.value
         && a.pool.gvisor_root.value == b.pool.gvisor_root.value
         && a.pool.gvisor_extra_args.value == b.pool.gvisor_extra_args.value;
}

} // namespace berth
