#include "runtimes/journal_tables.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <utility>
#include <vector>

namespace berth {

namespace {

/// A table or an index, as the database describes it to itself.
struct SchemaObject {
  std::string type;
  std::string name;
  std::string table;
  /// That made it; empty for the index of a key.
  std::string statement;

  bool operator==(const SchemaObject&) const = default;
};

/// In the order in which they were made.
using SchemaObjects = std::vector<SchemaObject>;

int version_told(sqlite3* database) {
  auto version = Statement{database, "PRAGMA user_version"};
  return version.step() ? static_cast<int>(version.number(0)) : 0;
}

SchemaObjects objects_of(sqlite3* database) {
  auto result = SchemaObjects{};
  auto rows = Statement{database, "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY rowid"};
  while (rows.step())
    result.push_back({std::string{rows.text(0)}, std::string{rows.text(1)}, std::string{rows.text(2)},
                      std::string{rows.text(3)}});
  return result;
}

/// Of a journal of this version.
SchemaObjects objects_of(const JournalSchema& schema, size_t version) {
  auto* raw = static_cast<sqlite3*>(nullptr);
  ::sqlite3_open(":memory:", &raw);
  auto database = Database{raw};
  migrate(raw, JournalSchema(schema.begin(), schema.begin() + static_cast<ptrdiff_t>(version)));
  return objects_of(raw);
}

} // namespace

int migrate(sqlite3* database, const JournalSchema& schema) {
  for (auto version = static_cast<size_t>(version_told(database)); version < schema.size(); ++version) {
    auto mark = "PRAGMA user_version=" + std::to_string(version + 1);
    for (auto text : {"BEGIN IMMEDIATE", schema[version], mark.c_str(), "COMMIT"})
      if (auto code = execute(database, text); code != SQLITE_OK) {
        execute(database, "ROLLBACK");
        return code;
      }
  }
  return SQLITE_OK;
}

TablesVerdict check_tables(sqlite3* database, const JournalSchema& schema) {
  auto told = version_told(database);
  auto objects = objects_of(database);
  if (told == 0 && objects.empty())
    return {};
  auto is_possible = told >= 1 && static_cast<size_t>(told) <= schema.size();
  auto likely = is_possible ? static_cast<size_t>(told) : schema.size();
  auto is_like = [&](size_t version) { return objects == objects_of(schema, version); };
  if (is_possible && is_like(likely))
    return {likely, false, told, {}};
  auto wrong = "its tables are not those of version " + std::to_string(told);
  for (auto version = schema.size(); version > 0; --version)
    if (is_like(version))
      return {version, false, told, wrong};
  return {likely, told > static_cast<int>(schema.size()), told, wrong};
}

void restore_tables(sqlite3* database, const JournalSchema& schema, size_t version) {
  execute(database, "PRAGMA writable_schema=ON");
  auto row = int64_t{0};
  for (const auto& object : objects_of(schema, version)) {
    auto update = Statement{database,
                            "UPDATE sqlite_schema SET type=?, name=?, tbl_name=?, sql=nullif(?, '') WHERE rowid=?"};
    update.bind(object.type).bind(object.name).bind(object.table).bind(object.statement).bind(++row).run();
  }
  auto mark = "PRAGMA user_version=" + std::to_string(version);
  execute(database, mark.c_str());
  execute(database, "PRAGMA writable_schema=RESET");
  migrate(database, schema);
}

void restore_header(const std::string& path, const std::string& sound_path) {
  // Left out are counters, the free list and the version of the tables.
  constexpr auto same = std::to_array<std::pair<size_t, size_t>>({{0, 24}, {44, 60}, {64, 92}});
  // 0: the size in pages is that of the file.
  constexpr auto zero = std::pair<size_t, size_t>{28, 32};
  auto header = std::array<char, 100>{};
  auto sound = std::ifstream{sound_path, std::ios::binary};
  if (!sound.read(header.data(), header.size()))
    return;
  std::fill(header.begin() + zero.first, header.begin() + zero.second, '\0');
  auto file = std::fstream{path, std::ios::in | std::ios::out | std::ios::binary};
  auto put = [&](std::pair<size_t, size_t> range) {
    file.seekp(static_cast<std::streamoff>(range.first));
    file.write(header.data() + range.first, static_cast<std::streamsize>(range.second - range.first));
  };
  put(zero);
  for (auto range : same)
    put(range);
}

} // namespace berth
