#include "apps/api/wire.hpp"
#include "apps/berth/command_line.hpp"
#include "apps/berth/request.hpp"
#include "apps/berth/why_text.hpp"

#include "tests/support/catch.hpp"

using namespace berth;
using namespace berth::cli;

namespace {

tl::expected<CommandLine, EarlyEnd> parse(const std::vector<std::string>& args) {
  auto none = [](const std::string&) { return std::optional<std::string>{}; };
  return parse_command_line(args, {none, "/"});
}

Explanation overridden() {
  auto why = Explanation{};
  why.pool = {"sandbox"};
  why.gpus = 1;
  why.generation = 2;
  why.revision = 5;
  why.rule = SelectionRule::override_allowed;
  why.runtime = RuntimeKind::runc;
  why.configured = RuntimeKind::gvisor;
  why.reason = SelectionReason::gpu;
  why.winner = RuntimeSource::pool;
  why.precedence = {{"worker.pools.sandbox.runtime", "gvisor", "berth.yaml:7:16"},
                    {"worker.containerRuntime", "", ""},
                    {"built in", "runc", "default"}};
  why.alternatives = {{"configured", RuntimeKind::gvisor, Outcome::refused, "gvisor cannot give a GPU"},
                      {"override", RuntimeKind::runc, Outcome::chosen, "overrides is allow (default)"},
                      {"fallback", RuntimeKind::runc, Outcome::not_needed, "gvisor works"}};
  why.runtimes = {{RuntimeKind::gvisor, true, true, {}, "1.0", "", "/usr/bin/runsc", 850},
                  {RuntimeKind::runc, true, true, {}, "1.1.5", "", "/usr/sbin/runc", 95}};
  why.settings = {{"worker.pools.sandbox.overrides", "allow", "default"},
                  {"worker.pools.sandbox.memory", "2Gi", "launch"}};
  return why;
}

} // namespace

TEST_CASE("an explanation reads as a sentence and what it rests on", "[cli][why]") {
  auto shown = describe_why(to_wire(overridden()), "trainer", false);
  REQUIRE(shown);
  CHECK_FALSE(shown->is_refused);
  CHECK(shown->text
        == "Container trainer of pool sandbox got runc instead of gvisor: gvisor cannot give a GPU, and overrides is allow "
           "(default)\n"
           "\n"
           "RUNTIME OF THE POOL           VALUE    WRITTEN AT       COUNTS\n"
           "worker.pools.sandbox.runtime  gvisor   berth.yaml:7:16  yes\n"
           "worker.containerRuntime       not set  -                no\n"
           "built in                      runc     default          no\n"
           "\n"
           "WAY         RUNTIME  OUTCOME     WHY\n"
           "configured  gvisor   refused     gvisor cannot give a GPU\n"
           "override    runc     chosen      overrides is allow (default)\n"
           "fallback    runc     not needed  gvisor works\n"
           "\n"
           "PROBED  WORKS  VERSION  PLATFORM       BOOT  BINARY, OR WHY NOT\n"
           "gvisor  yes    1.0      its default  850 ms  /usr/bin/runsc\n"
           "runc    yes    1.1.5    -             95 ms  /usr/sbin/runc\n"
           "\n"
           "SETTING                         VALUE  WRITTEN AT\n"
           "worker.pools.sandbox.overrides  allow  default\n"
           "worker.pools.sandbox.memory     2Gi    asked for by the launch\n"
           "\n"
           "Rule override_allowed, generation 2 of the pool, made by revision 5.\n");
  // Colours are for terminals.
  CHECK(shown->text.find('\x1b') == std::string::npos);
  CHECK(describe_why(to_wire(overridden()), "trainer", true)->text.find('\x1b') != std::string::npos);
}

TEST_CASE("a launch that has not been is told by its pool and needs", "[cli][why]") {
  struct Row {
    uint32_t gpus;
    bool checkpoint;
    const char* begin;
  };
  auto row = GENERATE(Row{0, false, "A launch in pool sandbox would run on runc"},
                      Row{1, false, "A launch in pool sandbox that needs a GPU would run on runc"},
                      Row{0, true, "A launch in pool sandbox that needs checkpoints would run on runc"},
                      Row{2, true, "A launch in pool sandbox that needs 2 GPUs and checkpoints would run on runc"});
  auto why = overridden();
  why.gpus = row.gpus;
  why.checkpoint = row.checkpoint;
  CHECK(describe_why(to_wire(why), {}, false)->text.starts_with(row.begin));
}

TEST_CASE("a launch that would be refused is told with its error and the next step", "[cli][why]") {
  auto why = Explanation{};
  why.pool = {"none"};
  why.refused = true;
  why.error = {ec::unknown_pool, "pool \"none\"", "it is not configured", "the pools are: web"};
  auto shown = describe_why(to_wire(why), {}, false);
  REQUIRE(shown);
  CHECK(shown->is_refused);
  CHECK(shown->text
        == "A launch in pool none would be refused: unknown_pool\n"
           "  pool \"none\": it is not configured\n"
           "  Next: the pools are: web\n");
}

TEST_CASE("nothing in an answer can harm the terminal or the command", "[cli][why]") {
  auto why = overridden();
  why.alternatives[0].why = "\x1b[31mred";
  CHECK(describe_why(to_wire(why), "a", false)->text.find('\x1b') == std::string::npos);
  for (auto json : {"{}", R"({"refused":7,"error":3,"alternatives":{},"settings":[1,null],"runtimes":[{}],"rule":[]})",
                    R"({"refused":true,"error":null})"})
    CHECK(describe_why(json, {}, false));
  for (auto json : {"", "[]", "7", "<html>"})
    CHECK(describe_why(json, {}, false).error().code == "bad_answer");
}

TEST_CASE("why asks about a container or about a launch", "[cli][why]") {
  auto line = parse({"why", "--pool", "p", "--gpu", "2", "--checkpoint", "-m", "64M", "--cpu", "0.5", "--pids", "9"});
  REQUIRE(line);
  CHECK(why_request(std::get<WhyOptions>(line->verb))
        == R"({"pool":"p","memory":"64M","cpu":"0.5","pids":9,"gpus":2,"checkpoint":true})");
  CHECK(why_request(std::get<WhyOptions>(parse({"why", "--pool=p"})->verb)) == R"({"pool":"p"})");
  CHECK(std::get<WhyOptions>(parse({"why", "web-1"})->verb).id == "web-1");
  struct Row {
    std::vector<std::string> args;
    const char* complaint;
  };
  auto row = GENERATE(Row{{"why"}, "give the ID of a container, or --pool"}, Row{{"why", "a", "--pool", "p"}, "--pool goes without"},
                      Row{{"why", "a", "--gpu", "1"}, "such flags go with --pool"}, Row{{"why", "a/b"}, "is no container id"},
                      Row{{"why", "--pool", "p", "-m", "lots"}, "--memory \"lots\""}, Row{{"why", "a", "b"}, "unexpected argument"});
  auto refused = parse(row.args);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().exit_code == 2);
  INFO(refused.error().text);
  CHECK(refused.error().text.find(row.complaint) != std::string::npos);
}
