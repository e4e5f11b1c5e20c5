#pragma once

#include "runtimes/doctor/facts.hpp"

#include <string_view>

namespace berth {

/// Checks a description of devices as the CDI specification wants it: `cdiVersion`, `kind` as VENDOR/CLASS, and `devices` that
/// have names, each once, and `containerEdits`. `path` tells by its ending whether the text is JSON or YAML.
CdiFile check_cdi_spec(const std::string& path, std::string_view text);

/// The specifications in these directories, each *.json and *.yaml.
CdiFacts examine_cdi(const std::vector<std::string>& directories);

/// The network plugins in these directories: their executables.
CniFacts examine_cni(const std::vector<std::string>& directories);

} // namespace berth
