#include "runtimes/journal_text.hpp"

#include "runtimes/json_fields.hpp"

namespace berth {

namespace json_fields {

template <>
struct Choices<PoolChangeKind> {
  static constexpr auto all = std::array{PoolChangeKind::added, PoolChangeKind::removed, PoolChangeKind::changed};
};

template <class F>
void each_field(F& f, Is<Event> auto& x) {
  f("seq", x.seq);
  f("time", x.time);
  f("type", x.type);
  f("pool", x.pool.value);
  f("container", x.container.value);
  f("generation", x.generation);
  f("texts", x.texts);
  f("numbers", x.numbers);
  f("flags", x.flags);
}

template <class F>
void each_field(F& f, Is<ConfigFile> auto& x) {
  f("name", x.name);
  f("text", x.text);
}

template <class F>
void each_field(F& f, Is<SettingDifference> auto& x) {
  f("key", x.key);
  f("before", x.before);
  f("after", x.after);
  f("source", x.source);
}

template <class F>
void each_field(F& f, Is<PoolDifference> auto& x) {
  f("name", x.name.value);
  f("kind", x.kind);
  f("settings", x.settings);
}

template <class F>
void each_field(F& f, Is<SettingsDifference> auto& x) {
  f("pools", x.pools);
  f("node", x.node);
  f("needsRestart", x.needs_restart);
}

template <class F>
void each_field(F& f, Is<RevisionInfo> auto& x) {
  f("number", x.number);
  f("time", x.time);
  f("origin", x.origin);
  f("digest", x.digest);
  f("difference", x.difference);
}

template <class F>
void each_field(F& f, Is<RevisionRecord> auto& x) {
  f("revision", x.info);
  f("files", x.files);
}

} // namespace json_fields

namespace {

template <class T>
Result<T> parse(const char* what, std::string_view text) {
  auto result = T{};
  if (auto fault = json_fields::parse_fields(text, result); !fault.empty())
    return failure(ec::bad_request, what, std::move(fault));
  return result;
}

} // namespace

std::string render_event(const Event& event) {
  return json_fields::render_fields(event);
}

Result<Event> parse_event(std::string_view text) {
  return parse<Event>("event", text);
}

std::string render_revision(const RevisionRecord& revision) {
  return json_fields::render_fields(revision);
}

Result<RevisionRecord> parse_revision(std::string_view text) {
  return parse<RevisionRecord>("revision", text);
}

} // namespace berth
