#pragma once

#include "apps/berth/session.hpp"

#include <CLI/App.hpp>

#include <string>

namespace berth::cli {

/// The flags of `apply`, `reload` and `rollback`.
void add_change_flags(CLI::App& app, ChangeFlags& flags);

/// Reads the text of --timeout, if there is one. Throws `UsageError` for what is no time.
void read_timeout(const std::string& text, uint64_t& milliseconds);

/// Throws `UsageError` for what makes no sense.
void check_change(ChangeFlags& flags);

/// Sends a change and prints its receipt. `what` is the first part of the body, "\"files\":[…]", and may be empty.
int perform_change(const Session& session, const std::string& target, const std::string& what, const ChangeFlags& flags);

} // namespace berth::cli
