#include "apps/berth/change.hpp"

#include "apps/berth/exit_codes.hpp"
#include "apps/berth/format.hpp"
#include "apps/berth/revision_text.hpp"
#include "apps/berth/verb_parser.hpp"
#include "apps/berth/views.hpp"
#include "config/quantity.hpp"
#include "config/spelling.hpp"

#include <CLI/CLI.hpp>

namespace berth::cli {

void add_change_flags(CLI::App& app, ChangeFlags& flags) {
  app.add_option("--timeout", flags.timeout, "How long the preparation may take, such as 30s (default: 2m)")
    ->type_name("TIME");
  app.add_option("--drain", flags.drain, "wait: containers of old generations run to their end; stop: they are stopped")
    ->type_name("wait|stop");
  app.add_flag("--allow-fallback", flags.allow_fallback, "Accept runc for pools whose gVisor does not work");
}

void read_timeout(const std::string& text, uint64_t& milliseconds) {
  if (text.empty())
    return;
  auto timeout = parse_duration(text);
  if (!timeout || timeout->count() == 0)
    throw UsageError{"--timeout " + in_quotes(text) + ": write a duration such as 30s"};
  milliseconds = static_cast<uint64_t>(timeout->count());
}

void check_change(ChangeFlags& flags) {
  if (flags.drain != "wait" && flags.drain != "stop")
    throw UsageError{"--drain " + in_quotes(flags.drain) + ": use wait or stop"};
  read_timeout(flags.timeout, flags.timeout_ms);
}

int perform_change(const Session& session, const std::string& target, const std::string& what, const ChangeFlags& flags) {
  auto body = "{" + what + (what.empty() ? "" : ",") + "\"timeoutMs\":" + std::to_string(flags.timeout_ms) + ",\"drain\":\"" + flags.drain
              + "\",\"allowFallback\":" + (flags.allow_fallback ? "true" : "false") + "}";
  auto answer = session.client.post(Target{target}, body, Client::long_work);
  if (!answer)
    return report(session, answer.error());
  auto receipt = describe_receipt(*answer, session.out.in_colour());
  if (!receipt)
    return report(session, receipt.error());
  session.out.write(flags.json ? pretty(*answer) : receipt->text);
  return receipt->has_failed ? verb_failed : success;
}

} // namespace berth::cli
