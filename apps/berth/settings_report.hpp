#pragma once

#include "config/config_error.hpp"
#include "config/settings.hpp"

#include <string>
#include <vector>

namespace berth::cli {

/// {"valid": false, "errors"}, laid out for people.
std::string errors_as_json(const std::vector<ConfigError>& errors);

/// {"valid": true, "settings", "notices", "ignored"}: every value that is in force, with the place it comes from.
std::string settings_as_json(const Settings& settings);

} // namespace berth::cli
