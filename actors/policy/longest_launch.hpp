#pragma once

#include "config/settings.hpp"

namespace berth {

/// How long a launch may take at most on a node with these settings, from its acceptance to its answer: the longest queue,
/// the starts in front of it, its own, and some slack for each step.
std::chrono::milliseconds longest_launch(const Settings& settings);

} // namespace berth
