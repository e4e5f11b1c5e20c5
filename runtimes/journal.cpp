#include "runtimes/journal.hpp"

#include "runtimes/fault_point.hpp"
#include "runtimes/journal_text.hpp"
#include "runtimes/linux/sequence_file.hpp"

#include <algorithm>
#include <filesystem>
#include <set>

#include <sqlite3.h>

namespace berth {

namespace {

constexpr auto file_name = "journal.db";
/// Beside the database, and by its names.
constexpr auto wal_suffix = "-wal";
constexpr auto sequence_name = "journal.seq";

/// FNV-1a, 64 bits: finds flipped bytes, which is all that it is for.
int64_t checksum(std::string_view text) {
  auto result = uint64_t{14695981039346656037u};
  for (auto c : text)
    result = (result ^ static_cast<unsigned char>(c)) * 1099511628211u;
  return static_cast<int64_t>(result);
}

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

bool is_damage(int code) {
  auto primary = code & 0xff;
  return primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB;
}

Error explain(const std::string& path, int code, const char* message) {
  auto subject = "journal \"" + path + "\"";
  switch (code & 0xff) {
    case SQLITE_FULL:
      return {ec::journal_failed, subject, "the disk is full", "make room on the file system of this directory"};
    case SQLITE_READONLY:
      return {ec::journal_failed, subject, "it cannot be written: read-only",
              "look at the mount and the permissions of its directory"};
    case SQLITE_BUSY:
      return {ec::journal_failed, subject, "another process has it open", "end that one"};
    default:
      return {ec::journal_failed, subject, message, "look at the disk of its directory"};
  }
}

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

int execute(sqlite3* database, const char* text) {
  return ::sqlite3_exec(database, text, nullptr, nullptr, nullptr);
}

struct OpenedDatabase {
  Database database;
  int code = SQLITE_OK;
};

OpenedDatabase open_database(const std::string& path, int flags) {
  auto* raw = static_cast<sqlite3*>(nullptr);
  auto code = ::sqlite3_open_v2(path.c_str(), &raw, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW, nullptr);
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

int schema_version(sqlite3* database) {
  auto version = Statement{database, "PRAGMA user_version"};
  return version.step() ? static_cast<int>(version.number(0)) : 0;
}

/// The code of SQLite; SQLITE_OK if all is well.
int migrate(sqlite3* database, const JournalSchema& schema) {
  for (auto version = static_cast<size_t>(schema_version(database)); version < schema.size(); ++version) {
    auto mark = "PRAGMA user_version=" + std::to_string(version + 1);
    for (auto text : {"BEGIN IMMEDIATE", schema[version], mark.c_str(), "COMMIT"})
      if (auto code = execute(database, text); code != SQLITE_OK) {
        execute(database, "ROLLBACK");
        return code;
      }
  }
  return SQLITE_OK;
}

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

SchemaObjects schema_objects(sqlite3* database) {
  auto result = SchemaObjects{};
  auto rows = Statement{database, "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY rowid"};
  while (rows.step())
    result.push_back({std::string{rows.text(0)}, std::string{rows.text(1)}, std::string{rows.text(2)},
                      std::string{rows.text(3)}});
  return result;
}

/// Of a journal of this version.
SchemaObjects schema_objects(const JournalSchema& schema, size_t version) {
  auto raw = static_cast<sqlite3*>(nullptr);
  ::sqlite3_open(":memory:", &raw);
  auto database = Database{raw};
  migrate(raw, JournalSchema(schema.begin(), schema.begin() + static_cast<ptrdiff_t>(version)));
  return schema_objects(raw);
}

/// Whose tables these are: of the version told, if that can be; else of the one that has the same; else most likely of the one
/// told, or of the newest.
size_t version_of(const SchemaObjects& objects, const JournalSchema& schema, int told) {
  auto is_possible = told >= 1 && static_cast<size_t>(told) <= schema.size();
  auto likely = is_possible ? static_cast<size_t>(told) : schema.size();
  if (objects == schema_objects(schema, likely))
    return likely;
  for (auto version = schema.size(); version > 0; --version)
    if (objects == schema_objects(schema, version))
      return version;
  return likely;
}

/// Makes a damaged description of the tables the one of this version again: the rows themselves may all be there.
void restore_schema(sqlite3* database, const JournalSchema& schema, size_t version) {
  execute(database, "PRAGMA writable_schema=ON");
  auto rowid = int64_t{0};
  for (const auto& object : schema_objects(schema, version)) {
    auto update = Statement{database, "UPDATE sqlite_schema SET type=?, name=?, tbl_name=?, sql=nullif(?, '') WHERE rowid=?"};
    update.bind(object.type).bind(object.name).bind(object.table).bind(object.statement).bind(++rowid).run();
  }
  auto mark = "PRAGMA user_version=" + std::to_string(version);
  execute(database, mark.c_str());
  execute(database, "PRAGMA writable_schema=RESET");
  migrate(database, schema);
}

/// What is wrong with the pages; empty if nothing is.
std::string check(sqlite3* database) {
  // Not `quick_check`: an index that it passes over may refuse every later write.
  auto statement = Statement{database, "PRAGMA integrity_check(1)"};
  if (!statement.step())
    return ::sqlite3_errmsg(database);
  auto verdict = std::string{statement.text(0)};
  return verdict == "ok" ? std::string{} : verdict;
}

/// Reads rows of (name, text, sum) for as long as they can be read.
template <class Use>
void read_rows(sqlite3* database, const char* query, const char* what, std::vector<std::string>& damage, Use use) {
  auto rows = Statement{database, query};
  auto bad = size_t{0};
  while (rows.step())
    if (rows.number(2) != checksum(rows.text(1)) || !use(rows.text(0), rows.text(1)))
      ++bad;
  if (bad > 0)
    damage.push_back(std::to_string(bad) + " damaged rows of " + what + " were passed over");
  if (rows.code() != SQLITE_DONE)
    damage.push_back(std::string{"not all rows of "} + what + " could be read: " + ::sqlite3_errmsg(database));
}

template <class T>
bool keep(Result<T> parsed, std::vector<T>& where) {
  if (parsed)
    where.push_back(std::move(*parsed));
  return parsed.has_value();
}

JournalState read_state(sqlite3* database) {
  auto state = JournalState{};
  auto& damage = state.damage;
  read_rows(database, "SELECT id, record, sum FROM containers ORDER BY rowid", "containers", damage,
            [&](auto, auto text) { return keep(parse_record(text), state.containers); });
  read_rows(database, "SELECT number, record, sum FROM revisions ORDER BY number", "revisions", damage,
            [&](auto, auto text) { return keep(parse_revision(text), state.config.revisions); });
  read_rows(database, "SELECT name, value, sum FROM meta", "settings", damage, [&](auto name, auto value) {
    state.config.meta[std::string{name}] = value;
    return true;
  });
  auto generations = Statement{database, "SELECT pool, number, revision FROM generations ORDER BY pool, number"};
  while (generations.step())
    state.config.generations.push_back({{std::string{generations.text(0)}},
                                 static_cast<uint64_t>(generations.number(1)),
                                 static_cast<uint64_t>(generations.number(2))});
  if (generations.code() != SQLITE_DONE)
    damage.push_back(std::string{"not all generations of pools could be read: "} + ::sqlite3_errmsg(database));
  auto last = Statement{database, "SELECT max(seq) FROM events"};
  if (last.step())
    state.last_event = static_cast<uint64_t>(last.number(0));
  else
    damage.push_back(std::string{"the last number of an event could not be read: "} + ::sqlite3_errmsg(database));
  return state;
}

std::vector<Event> read_events(sqlite3* database, uint64_t after, uint32_t max, int& code) {
  auto result = std::vector<Event>{};
  auto rows = Statement{database, "SELECT record, sum, seq FROM events WHERE seq > ? ORDER BY seq LIMIT ?"};
  rows.bind(after).bind(int64_t{max});
  while (rows.step())
    if (rows.number(1) == checksum(rows.text(0)))
      // The checksum does not see the number of the row itself.
      if (auto event = parse_event(rows.text(0)); event && event->seq == static_cast<uint64_t>(rows.number(2)))
        result.push_back(std::move(*event));
  code = rows.code();
  return result;
}

/// Moves a damaged database out of the way; its new path.
Result<std::string> set_aside(const std::string& path) {
  auto error = std::error_code{};
  auto target = path + ".damaged";
  for (auto n = 1; std::filesystem::exists(target, error); ++n)
    target = path + ".damaged-" + std::to_string(n);
  std::filesystem::rename(path + wal_suffix, target + wal_suffix, error);
  std::filesystem::rename(path, target, error);
  if (error)
    return failure(ec::journal_failed, "journal \"" + path + "\"",
                   "it is damaged and cannot be set aside: " + error.message(), "move it away");
  return target;
}

} // namespace

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

struct Journal::Impl {
  std::string path;
  Database database;
  SequenceFile sequence;
  uint64_t last_event = 0;
  bool is_damaged = false;

  Error error() const {
    return explain(path, ::sqlite3_extended_errcode(database.get()), ::sqlite3_errmsg(database.get()));
  }

  template <class... Values>
  bool run(const char* text, const Values&... values) {
    auto statement = Statement{database.get(), text};
    (statement.bind(values), ...);
    return statement.run();
  }

  bool apply(const PutContainer& x) {
    const auto& info = x.record.memory.info;
    auto text = render_record(x.record.memory, x.record.boot_id);
    return run("INSERT OR REPLACE INTO containers VALUES(?, ?, ?, ?, ?)", info.spec.id.value, info.spec.pool.value,
               info.generation, text, checksum(text));
  }

  bool apply(const DropContainer& x) {
    return run("DELETE FROM containers WHERE id=?", x.id.value);
  }

  bool apply(const PutEvent& x) {
    auto text = render_event(x.event);
    return run("INSERT INTO events VALUES(?, ?, ?, ?)", x.event.seq, x.event.time.ns, text, checksum(text));
  }

  bool apply(const PutRevision& x) {
    auto text = render_revision(*x.revision);
    return run("INSERT OR REPLACE INTO revisions VALUES(?, ?, ?)", x.revision->info.number, text, checksum(text));
  }

  bool apply(const PutGeneration& x) {
    const auto& generation = x.generation;
    return run("INSERT OR REPLACE INTO generations VALUES(?, ?, ?)", generation.pool.value, generation.number,
               generation.revision);
  }

  bool apply(const PutMeta& x) {
    return run("INSERT OR REPLACE INTO meta VALUES(?, ?, ?)", x.name, x.value, checksum(x.value));
  }

  bool apply(const Prune& x) {
    return run("DELETE FROM events WHERE seq < ?", x.first_event)
           && run("DELETE FROM events WHERE seq < (SELECT min(seq) FROM events WHERE time >= ?)", x.events_since.ns)
           && run("DELETE FROM generations AS g WHERE number < (SELECT max(number) FROM generations WHERE pool = g.pool) "
                  "AND NOT EXISTS (SELECT 1 FROM containers WHERE pool = g.pool AND generation = g.number)")
           && run("DELETE FROM revisions WHERE number NOT IN (SELECT number FROM revisions ORDER BY number DESC LIMIT ?) "
                  "AND number NOT IN (SELECT revision FROM generations)",
                  x.revisions);
  }
};

Journal::Journal(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {
  // nop
}

Journal::Journal(Journal&&) noexcept = default;
Journal& Journal::operator=(Journal&&) noexcept = default;
Journal::~Journal() = default;

Result<void> Journal::write(std::span<const JournalWrite> writes, Durability durability) {
  auto& impl = *impl_;
  auto* database = impl.database.get();
  execute(database, durability == Durability::disk ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL");
  auto last_event = impl.last_event;
  fault_point("journal.asked");
  auto done = execute(database, "BEGIN IMMEDIATE") == SQLITE_OK;
  for (auto i = writes.begin(); done && i != writes.end(); ++i) {
    done = std::visit([&](const auto& x) { return impl.apply(x); }, *i);
    if (auto* event = std::get_if<PutEvent>(&*i))
      last_event = event->event.seq;
  }
  fault_point("journal.gathered");
  done = done && execute(database, "COMMIT") == SQLITE_OK;
  fault_point("journal.committed");
  if (!done) {
    impl.is_damaged = is_damage(::sqlite3_extended_errcode(database));
    auto error = impl.error();
    execute(database, "ROLLBACK");
    return failure(std::move(error));
  }
  if (last_event != impl.last_event)
    impl.sequence.put(last_event);
  impl.last_event = last_event;
  fault_point("journal.written");
  return {};
}

Result<std::vector<Event>> Journal::events_after(uint64_t seq, uint32_t max) {
  auto code = SQLITE_OK;
  auto result = read_events(impl_->database.get(), seq, max, code);
  if (code != SQLITE_DONE)
    return failure(impl_->error());
  return result;
}

bool Journal::is_damaged() const {
  return impl_->is_damaged;
}

Result<uint64_t> Journal::first_event() {
  auto first = Statement{impl_->database.get(), "SELECT min(seq) FROM events"};
  if (!first.step())
    return failure(impl_->error());
  return static_cast<uint64_t>(first.number(0));
}

namespace {

/// Puts what was read of a damaged journal into its successor.
Result<void> refill(Journal& journal, sqlite3* damaged, const JournalState& state) {
  auto writes = std::vector<JournalWrite>{};
  for (const auto& record : state.containers)
    writes.push_back(PutContainer{record});
  for (const auto& revision : state.config.revisions)
    writes.push_back(PutRevision{std::make_shared<const RevisionRecord>(revision)});
  for (const auto& generation : state.config.generations)
    writes.push_back(PutGeneration{generation});
  for (const auto& [name, value] : state.config.meta)
    writes.push_back(PutMeta{name, value});
  constexpr auto batch = uint32_t{1000};
  auto seen = uint64_t{0};
  for (auto code = SQLITE_DONE; code == SQLITE_DONE;) {
    auto events = read_events(damaged, seen, batch, code);
    if (events.empty())
      break;
    for (auto& event : events) {
      if (event.seq <= seen) // the tree of a damaged table may lead in circles
        return journal.write(writes, Durability::disk);
      seen = event.seq;
      writes.push_back(PutEvent{std::move(event)});
    }
  }
  return journal.write(writes, Durability::disk);
}

} // namespace

Result<Journal::Opened> Journal::open(const std::string& directory, const JournalSchema& schema) {
  auto impl = std::make_unique<Impl>();
  impl->path = directory + "/" + file_name;
  auto sequence = SequenceFile::open(directory + "/" + sequence_name);
  if (!sequence)
    return failure(ec::journal_failed, "journal \"" + impl->path + "\"", render(sequence.error()),
                   "look at the disk of its directory");
  impl->sequence = std::move(*sequence);
  auto flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  // What it holds may be secret: containers' environments.
  if (auto made = create_private_file(impl->path); !made)
    return failure(ec::journal_failed, "journal \"" + impl->path + "\"", render(made.error()),
                   "look at the disk of its directory");
  auto opened = open_database(impl->path, flags);
  auto damage = std::string{};
  auto version = schema.size();
  auto fail = [&](int code, sqlite3* database) -> std::optional<Error> {
    if (code == SQLITE_OK)
      return std::nullopt;
    auto error = explain(impl->path, code, database ? ::sqlite3_errmsg(database) : ::sqlite3_errstr(code));
    if (!is_damage(code))
      return error;
    damage = error.reason;
    return std::nullopt;
  };
  if (auto error = fail(opened.code, opened.database.get()))
    return failure(*error);
  if (damage.empty()) {
    auto told = schema_version(opened.database.get());
    auto objects = schema_objects(opened.database.get());
    version = version_of(objects, schema, told);
    auto is_known = objects == schema_objects(schema, version);
    if (told > static_cast<int>(schema.size()) && !is_known)
      return failure(ec::journal_failed, "journal \"" + impl->path + "\"",
                     "its version " + std::to_string(told) + " is newer than this berthd, which knows versions up to "
                       + std::to_string(schema.size()),
                     "start the berthd that has written it, or a newer one");
    auto is_new = told == 0 && objects.empty();
    if (!is_new)
      damage = is_known && told == static_cast<int>(version)
                 ? check(opened.database.get())
                 : "its tables are not those of version " + std::to_string(told);
  }
  if (damage.empty())
    if (auto error = fail(migrate(opened.database.get(), schema), opened.database.get()))
      return failure(*error);
  auto state = JournalState{};
  if (damage.empty())
    state = read_state(opened.database.get());
  if (damage.empty() && state.damage.empty()) {
    impl->database = std::move(opened.database);
    if (auto told = impl->sequence.get().value_or(0); told > state.last_event) {
      state.damage.push_back("events up to " + std::to_string(told) + " were told, and those after "
                             + std::to_string(state.last_event) + " are lost");
      state.last_event = told;
    }
    impl->last_event = state.last_event;
    return Opened{Journal{std::move(impl)}, std::move(state)};
  }
  // Whatever can be read of it is taken over into a new one.
  opened.database.reset();
  auto aside = set_aside(impl->path);
  if (!aside)
    return failure(aside.error());
  auto old = open_database(*aside, SQLITE_OPEN_READWRITE);
  restore_schema(old.database.get(), schema, version);
  state = read_state(old.database.get());
  auto facts = std::vector<std::string>{"the journal was damaged and is kept as " + *aside
                                        + (damage.empty() ? std::string{} : " (" + damage + ")")};
  facts.insert(facts.end(), state.damage.begin(), state.damage.end());
  state.damage = std::move(facts);
  if (auto made = create_private_file(impl->path); !made)
    return failure(ec::journal_failed, "journal \"" + impl->path + "\"", render(made.error()), {});
  auto fresh = open_database(impl->path, flags);
  damage.clear();
  if (auto error = fail(fresh.code, fresh.database.get()))
    return failure(*error);
  if (auto code = migrate(fresh.database.get(), schema); code != SQLITE_OK)
    return failure(explain(impl->path, code, ::sqlite3_errmsg(fresh.database.get())));
  impl->database = std::move(fresh.database);
  auto last_event = std::max(state.last_event, impl->sequence.get().value_or(0));
  auto journal = Journal{std::move(impl)};
  if (auto filled = refill(journal, old.database.get(), state); !filled)
    return failure(filled.error());
  journal.impl_->last_event = state.last_event = last_event;
  journal.impl_->sequence.put(last_event);
  return Opened{std::move(journal), std::move(state)};
}

} // namespace berth
