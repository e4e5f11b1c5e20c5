#pragma once

#include <string>

#include <tl/expected.hpp>

namespace berth::cli {

/// Why a verb could not do what it was asked to, as the daemon tells it or as found on the way there.
struct Failure {
  /// One of the API's codes, or "unreachable", "connection_lost", "bad_answer" for what happens on this side.
  std::string code;
  /// One line for people, with the next step.
  std::string message;
  /// What `run` and `exec` exit with: 125, 126 or 127.
  int exit_code = 125;

  friend bool operator==(const Failure&, const Failure&) = default;
};

template <class T>
using Answer = tl::expected<T, Failure>;

inline tl::unexpected<Failure> fail(std::string code, std::string message, int exit_code = 125) {
  return tl::unexpected<Failure>{Failure{std::move(code), std::move(message), exit_code}};
}

} // namespace berth::cli
