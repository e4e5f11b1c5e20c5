#pragma once

#include "apps/berth/failure.hpp"

#include <string>

namespace berth::cli {

/// The files of a configuration as the API takes them: a JSON array of objects with name and text, the main file first and
/// then the drop-ins in conf.d beside it. What is wrong with them is told all at once, one line each; files that change while
/// they are read are no configuration that anybody has written.
Answer<std::string> read_config_upload(const std::string& path);

} // namespace berth::cli
