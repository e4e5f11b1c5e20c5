#pragma once

#include "config/settings.hpp"

#include <string>

namespace berth {

/// "sha256:" and 64 hexadecimal digits that name the values of a configuration, wherever they are written: two
/// configurations that come to the same have the same digest.
std::string digest_of(const Settings& settings);

} // namespace berth
