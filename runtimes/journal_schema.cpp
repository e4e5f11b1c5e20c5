#include "runtimes/journal_schema.hpp"

namespace berth {

const JournalSchema& journal_schema() {
  static const auto schema = JournalSchema{
    "CREATE TABLE containers(id TEXT PRIMARY KEY, pool TEXT NOT NULL, generation INTEGER NOT NULL, record TEXT NOT NULL,"
    " sum INTEGER NOT NULL);"
    "CREATE TABLE events(seq INTEGER PRIMARY KEY, time INTEGER NOT NULL, record TEXT NOT NULL, sum INTEGER NOT NULL);"
    "CREATE TABLE revisions(number INTEGER PRIMARY KEY, record TEXT NOT NULL, sum INTEGER NOT NULL);"
    "CREATE TABLE generations(pool TEXT NOT NULL, number INTEGER NOT NULL, revision INTEGER NOT NULL,"
    " PRIMARY KEY(pool, number)) WITHOUT ROWID;"
    "CREATE TABLE meta(name TEXT PRIMARY KEY, value TEXT NOT NULL, sum INTEGER NOT NULL) WITHOUT ROWID;",
  };
  return schema;
}

} // namespace berth
