#include "apps/berth/exit_codes.hpp"
#include "apps/berth/log_text.hpp"
#include "apps/berth/session.hpp"
#include "apps/berth/verb_parser.hpp"
#include "apps/berth/views.hpp"
#include "config/spelling.hpp"
#include "messages/log_levels.hpp"

#include <CLI/CLI.hpp>

namespace berth::cli {

namespace {

constexpr auto footer = R"~(Examples:
  berth log level                        # what is written, by component
  berth log level debug                  # all components that have no level of their own
  berth log level container debug        # only what containers' actors say
  berth log level container reset        # as it is configured
  berth log level reset                  # all as it is configured

Levels: debug, info, warn, error. They take effect at once and end with the daemon: what counts at a
start is `berth.log` of the configuration. The logs of containers are shown by `berth logs`.)~";

/// "debug", or "reset".
void check_level(const std::string& word) {
  if (!parse_log_level(word) && word != "reset")
    throw UsageError{in_quotes(word) + " is no level: debug, info, warn, error, or reset"};
}

LogOptions take(LogOptions options) {
  auto& words = options.words;
  if (words.empty() || words.front() != "level")
    throw UsageError{words.empty() ? std::string{"what about the log? Write `berth log level`"}
                                   : in_quotes(words.front()) + ": only \"level\" is known"};
  words.erase(words.begin());
  if (words.empty())
    return options;
  options.level = words.back();
  words.pop_back();
  if (words.empty()) {
    if (is_log_component(options.level))
      throw UsageError{"which level for " + options.level + "? debug, info, warn, error, or reset"};
    check_level(options.level);
    return options;
  }
  options.component = words.front();
  if (words.size() > 1)
    throw UsageError{"unexpected argument " + in_quotes(words[1])};
  if (!is_log_component(options.component)) {
    auto meant = nearest(options.component, log_components);
    throw UsageError{in_quotes(options.component) + " is no component"
                     + (meant.empty() ? ": " + join(log_components) : " (did you mean " + std::string{meant} + "?)")};
  }
  check_level(options.level);
  return options;
}

} // namespace

VerbParser log_parser() {
  auto options = std::make_shared<LogOptions>();
  return {"log",
          "Show or set what the daemon logs",
          "berth log level [[COMPONENT] LEVEL|reset]",
          footer,
          group_node,
          false,
          [options](CLI::App& app) {
            app.add_option("words", options->words)->expected(0, -1);
            add_format(app, options->json, "table");
          },
          [options](auto, auto&) { return take(*options); }};
}

int perform(const Session& session, const LogOptions& options) {
  auto target = Target{"/v1/log"};
  auto answer = options.level.empty() ? session.client.get(target) : session.client.put(target, log_request(options));
  if (!answer)
    return report(session, answer.error());
  auto text = describe_log(*answer, session.out.in_colour());
  if (!text)
    return report(session, text.error());
  session.out.write(options.json ? pretty(*answer) : *text);
  return success;
}

} // namespace berth::cli
