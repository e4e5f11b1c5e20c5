#include "runtimes/database.hpp"

namespace berth {

bool is_damage(int code) {
  auto primary = code & 0xff;
  return primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB;
}

int execute(sqlite3* database, const char* text) {
  return ::sqlite3_exec(database, text, nullptr, nullptr, nullptr);
}

OpenedDatabase open_database(const std::string& path) {
  constexpr auto flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW;
  auto* raw = static_cast<sqlite3*>(nullptr);
  auto code = ::sqlite3_open_v2(path.c_str(), &raw, flags, nullptr);
  auto database = Database{raw};
  if (code == SQLITE_OK)
    ::sqlite3_extended_result_codes(raw, 1);
  // Exclusive before anything is read: then the index of the WAL is in memory, and not in a file that is mapped, where a full
  // disk would be a SIGBUS.
  for (auto pragma : {"PRAGMA locking_mode=EXCLUSIVE", "PRAGMA cell_size_check=ON", "PRAGMA mmap_size=0",
                      "PRAGMA journal_mode=WAL", "PRAGMA synchronous=NORMAL"})
    if (code == SQLITE_OK)
      code = execute(raw, pragma);
  return {std::move(database), code};
}

std::string check_pages(sqlite3* database) {
  // Not `quick_check`: an index that it passes over may refuse every later write.
  auto statement = Statement{database, "PRAGMA integrity_check(1)"};
  if (!statement.step())
    return ::sqlite3_errmsg(database);
  auto verdict = std::string{statement.text(0)};
  return verdict == "ok" ? std::string{} : verdict;
}

} // namespace berth
