#pragma once

#include "apps/berth/options.hpp"
#include "runtimes/doctor/examine.hpp"

#include <string>

namespace berth::cli {

constexpr auto default_config = "/etc/berth/berth.yaml";

/// The directory that was given with --root, by the address of the daemon's socket; empty for the system's daemon and for
/// sockets that are anywhere else.
std::string root_of(const std::string& address);

/// What to examine for the daemon of this address.
ExamineOrder host_order(const std::string& address, const DoctorOptions& options);

} // namespace berth::cli
