#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <sqlite3.h>

namespace berth {

struct CloseDatabase {
  void operator()(sqlite3* database) const {
    ::sqlite3_close_v2(database);
  }
};

struct FinalizeStatement {
  void operator()(sqlite3_stmt* statement) const {
    ::sqlite3_finalize(statement);
  }
};

using Database = std::unique_ptr<sqlite3, CloseDatabase>;

/// The file is not what SQLite or this berthd has written, by this result code.
bool is_damage(int code);

/// One statement; its values are bound in the order of the calls.
class Statement {
public:
  Statement(sqlite3* database, const char* text) : database_(database) {
    auto* raw = static_cast<sqlite3_stmt*>(nullptr);
    code_ = ::sqlite3_prepare_v2(database, text, -1, &raw, nullptr);
    statement_.reset(raw);
  }

  Statement& bind(std::string_view text) {
    if (statement_)
      ::sqlite3_bind_text(statement_.get(), ++bound_, text.data(), static_cast<int>(text.size()), SQLITE_TRANSIENT);
    return *this;
  }

  Statement& bind(int64_t number) {
    if (statement_)
      ::sqlite3_bind_int64(statement_.get(), ++bound_, number);
    return *this;
  }

  Statement& bind(uint64_t number) {
    return bind(static_cast<int64_t>(number));
  }

  /// True while there is a row.
  bool step() {
    if (!statement_)
      return false;
    code_ = ::sqlite3_step(statement_.get());
    return code_ == SQLITE_ROW;
  }

  /// SQLITE_DONE after the last row, else what went wrong.
  int code() const {
    return code_;
  }

  /// Runs it to its end, and makes it ready for other values.
  bool run() {
    while (step())
      continue;
    if (statement_)
      ::sqlite3_reset(statement_.get());
    bound_ = 0;
    return code_ == SQLITE_DONE;
  }

  std::string_view text(int column) const {
    auto* bytes = reinterpret_cast<const char*>(::sqlite3_column_text(statement_.get(), column));
    return {bytes == nullptr ? "" : bytes, static_cast<size_t>(::sqlite3_column_bytes(statement_.get(), column))};
  }

  int64_t number(int column) const {
    return ::sqlite3_column_int64(statement_.get(), column);
  }

private:
  sqlite3* database_;
  std::unique_ptr<sqlite3_stmt, FinalizeStatement> statement_;
  int code_ = SQLITE_OK;
  int bound_ = 0;
};

/// Statements without values and rows; the code of SQLite.
int execute(sqlite3* database, const char* text);

struct OpenedDatabase {
  Database database;
  /// SQLITE_OK, or why it cannot be used.
  int code = SQLITE_OK;
};

/// Opens a database (WAL) or makes it, for this process only.
OpenedDatabase open_database(const std::string& path);

/// What is wrong with its pages; empty if nothing is.
std::string check_pages(sqlite3* database);

} // namespace berth
