#include "apps/berth/command_line.hpp"
#include "apps/berth/exit_codes.hpp"
#include "apps/berth/session.hpp"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <filesystem>

using namespace berth::cli;

namespace {

std::optional<std::string> environment(const std::string& name) {
  auto value = std::getenv(name.c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>{value};
}

/// Works even where the current directory was removed: then only absolute paths make sense.
std::string working_directory() {
  auto error = std::error_code{};
  auto path = std::filesystem::current_path(error);
  return error ? "/" : path.string();
}

/// https://no-color.org; terminals without any are called "dumb".
bool wants_no_colour() {
  auto no_color = environment("NO_COLOR");
  return (no_color && !no_color->empty()) || environment("TERM").value_or("dumb") == "dumb";
}

int run_command(const std::vector<std::string>& args, Output& out) {
  auto command_line = parse_command_line(args, {environment, working_directory()});
  if (!command_line) {
    auto& end = command_line.error();
    if (end.exit_code == success)
      out.write(end.text);
    else
      out.write_error(end.text);
    return end.exit_code;
  }
  auto& endpoint = command_line->endpoint;
  auto client = Client{endpoint.socket_path, endpoint.start_hint};
  auto session = Session{client, out};
  return std::visit([&](auto& options) { return perform(session, options); }, command_line->verb);
}

} // namespace

int main(int argc, char** argv) {
  // A reader that goes away shows as a failed write, which can be told from a failed command.
  std::signal(SIGPIPE, SIG_IGN);
  auto out = Output{wants_no_colour()};
  auto code = berth_failed;
  try {
    code = run_command({argv + 1, argv + argc}, out);
  } catch (const std::exception& error) {
    out.complain(std::string{"internal error: "} + error.what());
  }
  if (!out.flush()) {
    if (out.error() == EPIPE)
      return signal_base + SIGPIPE;
    out.complain(std::string{"cannot write to stdout: "} + std::strerror(out.error()));
    return code == success ? verb_failed : code;
  }
  return code;
}
