#pragma once

#include "config/settings.hpp"
#include "messages/revision.hpp"

namespace berth {

/// Compares values, not texts: where a value is written, and defaults that are written out, make no difference.
SettingsDifference compare(const Settings& before, const Settings& after);

/// True for settings of the node that a new generation of a pool takes along: how runtimes are found and started.
bool concerns_pools(const std::string& node_setting);

} // namespace berth
