#include "tests/support/installed.hpp"

#include "tests/support/command.hpp"
#include "tests/support/eventually.hpp"

#include <filesystem>
#include <regex>

namespace berth::test {

namespace {

std::string find(const char* variable, const std::vector<std::string>& usual) {
  if (auto text = std::getenv(variable); text != nullptr && *text != '\0')
    return text;
  for (auto& path : usual)
    if (std::filesystem::exists(path))
      return path;
  return {};
}

} // namespace

const std::string& installed_runc() {
  static const auto path = find("BERTH_TEST_RUNC", {"/usr/sbin/runc", "/usr/bin/runc", "/usr/local/sbin/runc"});
  return path;
}

const std::string& installed_runsc() {
  static const auto path = find("BERTH_TEST_RUNSC", {"/usr/bin/runsc", "/usr/local/bin/runsc"});
  return path;
}

std::string usual_platform(const std::string& runsc) {
  // Debian's 0.0~20221219.0 and upstream's release-20240729.0 alike carry the date.
  auto version = run_program({runsc, "--version"});
  auto date = std::smatch{};
  if (version.code != 0 || !std::regex_search(version.out, date, std::regex{"20[0-9]{6}"}))
    return {};
  return date.str() < "20230601" ? "ptrace" : "systrap";
}

std::string stretched_seconds(int seconds) {
  return std::to_string(seconds * slowdown()) + "s";
}

} // namespace berth::test
