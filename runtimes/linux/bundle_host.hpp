#pragma once

#include "runtimes/oci_spec.hpp"

namespace berth {

/// What bundles may ask of this host. Whether swap can be limited is known to who looked after the
/// cgroups.
Result<BundleHost> detect_bundle_host(bool swap_limit);

/// Type, number, mode and owner of a device node. Fails with `bad_request` if `path` is missing or
/// no device.
Result<DeviceNode> read_device_node(const std::string& path);

} // namespace berth
