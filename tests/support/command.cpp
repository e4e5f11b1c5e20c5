#include "tests/support/command.hpp"

#include "tests/support/eventually.hpp"

#include <fstream>
#include <sstream>

#include <fcntl.h>

namespace berth::test {

namespace {

constexpr size_t output_limit = 64 * 1024 * 1024;

int shell_code(const ExitStatus& status) {
  if (auto* exited = std::get_if<Exited>(&status))
    return exited->code;
  return 128 + std::get<Signaled>(status).signal;
}

UniqueFd open_output(const std::string& path) {
  return UniqueFd{::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)};
}

} // namespace

std::string describe(const Output& output) {
  constexpr size_t shown = 4000;
  auto part = [](const std::string& text) { return text.size() <= shown ? text : text.substr(0, shown) + "…"; };
  return "exit code " + std::to_string(output.code) + "\n--- stdout\n" + part(output.out) + "\n--- stderr\n" + part(output.err);
}

Output run_program(const Argv& argv, std::chrono::milliseconds limit, const std::string& cwd) {
  auto options = SpawnOptions{};
  options.cwd = cwd;
  auto done = run_command(argv, stretched(limit), output_limit, options);
  if (!done)
    return {-1, {}, render(done.error())};
  return {shell_code(to_exit_status(done->wait_status)), std::move(done->out), std::move(done->err)};
}

Background::Background(const Argv& argv, std::vector<std::string> env) {
  auto out = open_output(dir_ / "out");
  auto err = open_output(dir_ / "err");
  auto options = SpawnOptions{};
  options.stdout_fd = out.get();
  options.stderr_fd = err.get();
  options.env = std::move(env);
  auto child = Child::spawn(argv, options);
  if (!child)
    throw std::runtime_error(render(child.error()));
  child_ = std::move(*child);
}

void Background::signal(int number) {
  (void)child_->kill(number);
}

std::string Background::out() const {
  return text_of(dir_ / "out");
}

std::string Background::err() const {
  return text_of(dir_ / "err");
}

Output Background::finish(std::chrono::milliseconds limit) {
  auto status = child_->wait_for(stretched(limit));
  if (!status || !*status)
    return {-1, out(), err() + "\n(it did not end in time)"};
  return {shell_code(**status), out(), err()};
}

std::string text_of(const std::string& path) {
  auto in = std::ifstream{path, std::ios::binary};
  auto text = std::ostringstream{};
  text << in.rdbuf();
  return in ? text.str() : std::string{};
}

std::vector<std::string> lines_of(const std::string& text) {
  auto in = std::istringstream{text};
  auto result = std::vector<std::string>{};
  for (std::string line; std::getline(in, line);)
    result.push_back(line);
  return result;
}

} // namespace berth::test
