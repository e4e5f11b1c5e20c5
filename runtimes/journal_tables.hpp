#pragma once

#include "runtimes/database.hpp"
#include "runtimes/journal_schema.hpp"

#include <cstddef>
#include <string>

namespace berth {

/// Brings the tables to the newest version; SQLITE_OK, or the code of the step that failed and left the version before it.
int migrate(sqlite3* database, const JournalSchema& schema);

struct TablesVerdict {
  /// Whose tables these are, most likely; 0 if there are none yet.
  size_t version = 0;
  /// Made by a newer berthd, whose number is `told`.
  bool is_newer = false;
  int told = 0;
  /// Why the tables are not to be trusted; empty if they are.
  std::string damage;
};

/// SQLite believes what a file says of its own tables: with a flipped byte in `PRIMARY KEY` rows are there and not found. So it
/// is compared with what the same version makes anew.
TablesVerdict check_tables(sqlite3* database, const JournalSchema& schema);

/// Makes the description of the tables that of this version again, and migrates them: the rows may all be there. As far as it
/// can.
void restore_tables(sqlite3* database, const JournalSchema& schema, size_t version);

/// Gives the file at `path` those bytes of its header that are the same in every journal. Both files are closed or checkpointed.
/// https://www.sqlite.org/fileformat2.html#the_database_header
void restore_header(const std::string& path, const std::string& sound_path);

} // namespace berth
