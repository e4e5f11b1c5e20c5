#include "apps/api/wire.hpp"

#include <nlohmann/json.hpp>

namespace berth {

namespace {

// Keys stay in the order in which they are written here.
using Json = nlohmann::ordered_json;

std::string text_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

template <class T, class Convert>
Json list_of(const std::vector<T>& items, Convert convert) {
  auto result = Json::array();
  for (const auto& item : items)
    result.push_back(convert(item));
  return result;
}

Json json_of(const SettingDifference& difference) {
  return {{"key", difference.key},
          {"before", difference.before},
          {"after", difference.after},
          {"source", difference.source}};
}

Json json_of(const PoolDifference& pool) {
  return {{"name", pool.name.value},
          {"change", to_string(pool.kind)},
          {"settings", list_of(pool.settings, [](const auto& x) { return json_of(x); })}};
}

/// The keys of a difference are those of whatever holds it.
void add(Json& json, const SettingsDifference& difference) {
  json["changes"] = list_of(difference.pools, [](const auto& x) { return json_of(x); });
  json["nodeChanges"] = list_of(difference.node, [](const auto& x) { return json_of(x); });
  json["needsRestart"] = difference.needs_restart;
}

Json json_of(const PinnedContainer& pinned) {
  return {{"id", pinned.id.value},
          {"pool", pinned.pool.value},
          {"generation", pinned.generation},
          {"runtime", to_string(pinned.runtime)},
          {"pid", pinned.pid},
          {"startTime", pinned.start_time},
          {"untouched", pinned.untouched}};
}

Json json_of(const PoolReceipt& pool) {
  return {{"name", pool.name.value},
          {"change", to_string(pool.kind)},
          {"oldGeneration", pool.old_generation},
          {"newGeneration", pool.new_generation},
          {"oldRuntime", to_string(pool.old_runtime)},
          {"newRuntime", to_string(pool.new_runtime)},
          {"state", to_string(pool.state)},
          {"reason", pool.reason},
          {"accepted", pool.accepted},
          {"queued", pool.queued},
          {"refused", pool.refused},
          {"pinned", pool.pinned},
          {"inEffect", pool.in_effect}};
}

double milliseconds(std::chrono::nanoseconds time) {
  return static_cast<double>(time.count()) / 1e6;
}

} // namespace

std::string to_wire(const Plan& plan) {
  auto json = Json{{"revision", plan.revision}, {"digest", plan.digest}};
  add(json, plan.difference);
  json["pinned"] = list_of(plan.pinned, [](const auto& x) { return json_of(x); });
  auto refusal = [](const Refusal& x) {
    return Json{{"pool", x.pool.value},
                {"code", to_string(x.error.code)},
                {"reason", x.error.reason},
                {"next", x.error.next},
                {"message", render(x.error)}};
  };
  json["refused"] = list_of(plan.refused, refusal);
  json["refusedLaunches"] = list_of(plan.refused_launches, refusal);
  json["triedOut"] = plan.tried_out;
  return text_of(json);
}

std::string to_wire(const Receipt& receipt) {
  auto json = Json{{"revision", receipt.revision},
                   {"previous", receipt.previous},
                   {"time", to_string(receipt.time)},
                   {"origin", receipt.origin},
                   {"digest", receipt.digest}};
  add(json, receipt.difference);
  json["pools"] = list_of(receipt.pools, [](const auto& x) { return json_of(x); });
  json["pinned"] = list_of(receipt.pinned, [](const auto& x) { return json_of(x); });
  json["phases"] = {{"planMs", milliseconds(receipt.plan_time)},
                    {"prepareMs", milliseconds(receipt.prepare_time)},
                    {"commitMs", milliseconds(receipt.commit_time)}};
  return text_of(json);
}

std::string to_wire(const RevisionInfos& revisions) {
  return text_of(list_of(revisions, [](const RevisionInfo& revision) {
    auto json = Json{{"revision", revision.number},
                     {"current", revision.current},
                     {"time", to_string(revision.time)},
                     {"origin", revision.origin},
                     {"digest", revision.digest}};
    add(json, revision.difference);
    return json;
  }));
}

} // namespace berth
