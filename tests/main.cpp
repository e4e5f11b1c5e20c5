#if __has_include(<catch2/catch_session.hpp>)
#include <catch2/catch_session.hpp>
#else
#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>
#endif

#include "tests/support/after_run.hpp"

#include <csignal>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

/// Narrows every alternative of what the command line selects ("[oom],[lifecycle]") to names that contain `text`.
void select_names(std::vector<std::string>& specs, const std::string& text) {
  auto pattern = "*" + text + "*";
  if (specs.empty())
    specs.emplace_back();
  for (auto& spec : specs) {
    for (auto at = spec.find(','); at != std::string::npos; at = spec.find(',', at + pattern.size() + 1))
      spec.insert(at, pattern);
    spec += pattern;
  }
}

} // namespace

int main(int argc, char** argv) {
  // As in every program of ours: a peer that goes away is an error of write(2), not the end of the process.
  std::signal(SIGPIPE, SIG_IGN);
  Catch::Session session;
  if (auto code = session.applyCommandLine(argc, argv); code != 0)
    return code;
  // `tests/run.sh -k`; a program without such a case is no failure.
  if (auto filter = std::getenv("BERTH_TEST_FILTER"); filter != nullptr && *filter != '\0') {
    select_names(session.configData().testsOrTags, filter);
#if __has_include(<catch2/catch_session.hpp>)
    session.configData().allowZeroTests = true;
#endif
  }
  auto code = session.run();
  for (auto& action : berth::test::after_run())
    if (!action() && code == 0)
      code = 1;
  return code;
}
