#pragma once

#include "runtimes/linux/process.hpp"
#include "tests/support/temp_dir.hpp"

#include <chrono>
#include <csignal>
#include <optional>
#include <string>

namespace berth::test {

/// What became of a command.
struct Output {
  /// As a shell gives it; -1 if it did not end in time or could not be started, and then `err` says why.
  int code = -1;
  std::string out;
  std::string err;
};

/// For INFO and messages of failures.
std::string describe(const Output& output);

constexpr auto usual_patience = std::chrono::milliseconds{60'000};

/// Runs a program to its end, its standard input empty. At the deadline (stretched on a slow machine) it is killed. Asserts
/// nothing, so any thread may call it.
Output run_program(const Argv& argv, std::chrono::milliseconds limit = usual_patience, const std::string& cwd = {});

/// A program that runs beside the test, its output going to files. Killed at the end of the scope if it still runs.
class Background {
public:
  explicit Background(const Argv& argv, std::vector<std::string> env = {});

  int pid() const noexcept {
    return child_->pid();
  }

  void signal(int number);

  /// What it has printed so far.
  std::string out() const;
  std::string err() const;

  /// Waits for its end. Code -1 if that does not come in time.
  Output finish(std::chrono::milliseconds limit = usual_patience);

private:
  TempDir dir_;
  std::optional<Child> child_;
};

/// All of a file; empty if there is none.
std::string text_of(const std::string& path);

/// The lines of a text, without their ends.
std::vector<std::string> lines_of(const std::string& text);

} // namespace berth::test
