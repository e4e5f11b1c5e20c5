#pragma once

#include "config/load_settings.hpp"

#include <functional>

namespace berth {

/// Calls `read`, which reads the files of the configuration `path`, until two calls in a row come to the same: texts, names
/// and errors. After a few calls that never did, the error names a file that changed.
///
/// What two reads agree on was in all files at one moment between them, so no text is half of one and half of another: a file
/// that is cut, grows, goes, comes or is replaced meanwhile is noticed by its text. What cannot be noticed is a writer that
/// stops half-way for as long as both reads take. Only the writer can prevent that: write another file, then rename it.
ReadResult read_settled(const std::string& path, const std::function<ReadResult()>& read);

} // namespace berth
