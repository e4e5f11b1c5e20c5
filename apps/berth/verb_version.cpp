#include "apps/berth/exit_codes.hpp"
#include "apps/berth/format.hpp"
#include "apps/berth/session.hpp"
#include "apps/berth/verb_parser.hpp"
#include "apps/berth/views.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

namespace berth::cli {

namespace {

using Json = nlohmann::ordered_json;

constexpr auto footer = R"~(Examples:
  berth version
  berth version -o json | jq -r .server.version

Exits with 0 even if there is no daemon: then "server" is null in JSON.)~";

std::string as_json(const Answer<ServerVersionView>& server) {
  auto json = Json{{"client", {{"version", BERTH_VERSION}}}, {"server", nullptr}};
  if (server)
    json["server"] = Json::parse(server->json, nullptr, false);
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string as_text(const Answer<ServerVersionView>& server) {
  auto text = std::string{"client  " BERTH_VERSION "\n"};
  if (!server)
    return text + "server  " + printable(server.error().message) + "\n";
  text += "server  " + server->version + " (API " + server->api + ")";
  if (!server->node.empty())
    text += ", node " + server->node;
  if (server->pid > 0)
    text += ", pid " + std::to_string(server->pid);
  if (server->started_at.ns > 0)
    text += ", started " + format_age(server->started_at, now());
  return printable(text.substr(0, text.find('\n'))) + "\n" + printable(text.substr(text.find('\n') + 1)) + "\n";
}

} // namespace

VerbParser version_parser() {
  auto options = std::make_shared<VersionOptions>();
  return {"version",
          "Show the versions of this command and of the daemon",
          "berth version",
          footer,
          group_node,
          false,
          [options](CLI::App& app) { add_format(app, options->json, "text"); },
          [options](auto, auto&) { return *options; }};
}

int perform(const Session& session, const VersionOptions& options) {
  auto answer = session.client.get(Target{"/v1/version"}, std::chrono::seconds{5});
  auto server = answer ? read_version(*answer) : tl::unexpected{answer.error()};
  session.out.write(options.json ? as_json(server) : as_text(server));
  return success;
}

} // namespace berth::cli
