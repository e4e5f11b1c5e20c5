#include "apps/berth/exit_codes.hpp"
#include "apps/berth/session.hpp"
#include "apps/berth/verb_parser.hpp"
#include "apps/berth/views.hpp"

#include <CLI/CLI.hpp>

#include <array>

namespace berth::cli {

namespace {

constexpr auto footer = R"~(Examples:
  berth logs web-1
  berth logs -f --tail 20 web-1
  berth logs -t --since 10m web-1 2>/dev/null
  berth logs --since 2026-01-02T03:04:05Z web-1

What the container wrote to stderr comes on stderr. With -f the command ends when the container does.)~";

struct Flags {
  LogsOptions options;
  std::string tail;
};

void define(CLI::App& app, Flags& flags) {
  auto& options = flags.options;
  app.add_option("ID", options.id, "Container id");
  app.add_flag("-f,--follow", options.follow, "Go on with what is written from now on");
  app.add_option("--since", options.since, "Not what is older: a duration like 10m, or a time of RFC 3339")
    ->type_name("TIME");
  app.add_option("-n,--tail", flags.tail, "Only the last N lines")->type_name("N");
  app.add_flag("-t,--timestamps", options.timestamps, "Begin every line with its time");
  add_format(app, options.json, "text");
}

LogsOptions take(const Flags& flags) {
  auto options = flags.options;
  if (options.id.empty())
    throw UsageError{"which container? give its ID (see `berth ps -a`)"};
  checked_id(options.id);
  if (!flags.tail.empty() && flags.tail != "all")
    options.tail = checked_count(flags.tail, "--tail");
  return options;
}

/// Puts the pieces of long lines together again.
class LogPrinter {
public:
  LogPrinter(const Session& session, const LogsOptions& options) : session_(session), options_(options) {
    // nop
  }

  bool read(std::string_view text) {
    auto line = read_log_line(text);
    if (!line) {
      code_ = report(session_, line.error());
      return false;
    }
    if (options_.json)
      return session_.out.write(std::string{text} + "\n");
    if (line->missed > 0)
      session_.out.complain("missed a part of the log: it was rotated away while it was read here");
    else
      print(*line);
    return session_.out.error() == 0;
  }

  int code() const {
    return code_;
  }

private:
  void print(const LogLine& line) {
    auto text = line.partial ? line.data : line.data + "\n";
    auto& in_line = in_line_[line.from_stderr ? 1 : 0];
    if (options_.timestamps && !in_line)
      text = line.time + " " + text;
    in_line = line.partial;
    if (line.from_stderr)
      session_.out.write_error(text);
    else
      session_.out.write(text);
  }

  const Session& session_;
  const LogsOptions& options_;
  int code_ = success;
  /// Of stdout and stderr: what comes next does not begin a line.
  std::array<bool, 2> in_line_{};
};

} // namespace

VerbParser logs_parser() {
  auto flags = std::make_shared<Flags>();
  return {"logs",
          "Show what a container has written",
          "berth logs [flags] ID",
          footer,
          group_watching,
          false,
          [flags](CLI::App& app) { define(app, *flags); },
          [flags](auto, auto&) { return take(*flags); }};
}

int perform(const Session& session, const LogsOptions& options) {
  auto target = Target::container(options.id, "logs");
  if (options.follow)
    target.with("follow", "true");
  target.with_any("since", options.since);
  if (options.tail)
    target.with("tail", std::to_string(*options.tail));
  auto printer = LogPrinter{session, options};
  auto reader = LineReader{[&](std::string_view line) { return printer.read(line); },
                           [&] { return session.out.flush(); }};
  auto answer = session.client.stream_get(target, reader);
  session.out.flush();
  return answer ? printer.code() : report(session, answer.error());
}

} // namespace berth::cli
