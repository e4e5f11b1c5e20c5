#include "runtimes/journal.hpp"

#include "runtimes/database.hpp"
#include "runtimes/fault_point.hpp"
#include "runtimes/journal_tables.hpp"
#include "runtimes/journal_text.hpp"
#include "runtimes/linux/sequence_file.hpp"

#include <algorithm>
#include <filesystem>
#include <set>

namespace berth {

namespace {

constexpr auto file_name = "journal.db";
/// Beside the database, and by its names.
constexpr auto wal_suffix = "-wal";
/// A complete journal that is to take the place of a damaged one.
constexpr auto rebuilt_suffix = ".rebuilt";
constexpr auto sequence_name = "journal.seq";

/// FNV-1a, 64 bits: finds flipped bytes, which is all that it is for.
int64_t checksum(std::string_view text) {
  auto result = uint64_t{14695981039346656037u};
  for (auto c : text)
    result = (result ^ static_cast<unsigned char>(c)) * 1099511628211u;
  return static_cast<int64_t>(result);
}

std::string subject_of(const std::string& path) {
  return "journal \"" + path + "\"";
}

Error explain(const std::string& path, int code, const char* message) {
  auto subject = subject_of(path);
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

/// A database that is only of use when it is complete: else it goes, with its log.
class DraftDatabase {
public:
  explicit DraftDatabase(std::string path) : path_(std::move(path)) {
    // nop
  }

  DraftDatabase(const DraftDatabase&) = delete;

  ~DraftDatabase() {
    if (!is_kept_)
      remove();
  }

  const std::string& path() const {
    return path_;
  }

  void remove() const {
    auto ignored = std::error_code{};
    for (const auto& name : {path_, path_ + wal_suffix})
      std::filesystem::remove(name, ignored);
  }

  void keep() {
    is_kept_ = true;
  }

private:
  std::string path_;
  bool is_kept_ = false;
};

/// Where a damaged database is kept.
std::string path_aside(const std::string& path) {
  auto error = std::error_code{};
  auto target = path + ".damaged";
  for (auto n = 1; std::filesystem::exists(target, error); ++n)
    target = path + ".damaged-" + std::to_string(n);
  return target;
}

/// Puts a rebuilt journal in the place of the damaged one; whether there was one. To be repeated until it is done: a process may
/// end at any step.
Result<bool> swap_in(const std::string& path) {
  auto error = std::error_code{};
  if (!std::filesystem::exists(path + rebuilt_suffix, error))
    return false;
  // The log of the damaged one is not that of the new one.
  std::filesystem::remove(path + wal_suffix, error);
  if (!error)
    std::filesystem::rename(path + rebuilt_suffix, path, error);
  if (error)
    return failure(ec::journal_failed, subject_of(path), "the rebuilt one cannot take its place: " + error.message(),
                   "look at the disk of its directory");
  return true;
}

} // namespace

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

/// A journal as it was found.
struct FoundJournal {
  Database database;
  JournalState state;
  /// Of its tables, to read what is left of it.
  size_t version = 0;
  /// Why it is not to be used; empty if it is sound.
  std::string damage;
};

/// Fails with `journal_failed` if the fault is not one of the file.
Result<FoundJournal> find_journal(const std::string& path, const JournalSchema& schema) {
  auto result = FoundJournal{};
  result.version = schema.size();
  // What it holds may be secret: containers' environments.
  if (auto made = create_private_file(path); !made)
    return failure(ec::journal_failed, subject_of(path), render(made.error()), "look at the disk of its directory");
  auto [database, code] = open_database(path);
  if (is_damage(code) || (code & 0xff) == SQLITE_ERROR) { // the latter: a format that SQLite does not have
    result.damage = database ? ::sqlite3_errmsg(database.get()) : ::sqlite3_errstr(code);
    return result;
  }
  if (code != SQLITE_OK)
    return failure(explain(path, code, database ? ::sqlite3_errmsg(database.get()) : ::sqlite3_errstr(code)));
  auto tables = check_tables(database.get(), schema);
  if (tables.is_newer)
    return failure(ec::journal_failed, subject_of(path),
                   "its version " + std::to_string(tables.told) + " is newer than this berthd, which knows versions up to "
                     + std::to_string(schema.size()),
                   "start the berthd that has written it, or a newer one");
  result.damage = tables.damage;
  if (!tables.damage.empty())
    result.version = tables.version;
  else if (::sqlite3_db_readonly(database.get(), "main") == 1) // and its disk is not
    result.damage = "its header forbids to write it";
  else if (tables.version > 0)
    result.damage = check_pages(database.get());
  if (!result.damage.empty())
    return result;
  if (auto migrated = migrate(database.get(), schema); is_damage(migrated))
    result.damage = ::sqlite3_errmsg(database.get());
  else if (migrated != SQLITE_OK)
    return failure(explain(path, migrated, ::sqlite3_errmsg(database.get())));
  else
    result.state = read_state(database.get());
  if (result.damage.empty() && !result.state.damage.empty())
    result.damage = "some of it cannot be read";
  result.database = std::move(database);
  return result;
}

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

Result<std::vector<std::string>> Journal::rebuild(const std::string& path, const JournalSchema& schema, size_t version) {
  auto aside = DraftDatabase{path_aside(path)};
  auto fresh = DraftDatabase{path + ".new"};
  fresh.remove();
  auto error = std::error_code{};
  std::filesystem::copy_file(path, aside.path(), error);
  // Closing the damaged one has merged its log, unless the disk did not let it.
  if (!error && std::filesystem::exists(path + wal_suffix))
    std::filesystem::copy_file(path + wal_suffix, aside.path() + wal_suffix, error);
  if (error)
    return failure(ec::journal_failed, subject_of(path), "it is damaged and cannot be set aside: " + error.message(),
                   "make room, or move it away");
  auto facts = std::vector<std::string>{};
  {
    if (auto made = create_private_file(fresh.path()); !made)
      return failure(ec::journal_failed, subject_of(path), "no other can be made: " + render(made.error()), {});
    auto [made, code] = open_database(fresh.path());
    if (code == SQLITE_OK)
      code = migrate(made.get(), schema);
    if (code == SQLITE_OK)
      code = execute(made.get(), "PRAGMA wal_checkpoint(TRUNCATE)");
    if (code != SQLITE_OK)
      return failure(explain(fresh.path(), code, ::sqlite3_errmsg(made.get())));
    restore_header(aside.path(), fresh.path());
    auto [damaged, ignored] = open_database(aside.path());
    restore_tables(damaged.get(), schema, version);
    auto state = read_state(damaged.get());
    auto impl = std::make_unique<Impl>();
    impl->path = fresh.path();
    impl->database = std::move(made);
    auto journal = Journal{std::move(impl)};
    if (auto filled = refill(journal, damaged.get(), state); !filled)
      return failure(filled.error());
    facts = std::move(state.damage);
    facts.insert(facts.begin(), "the journal was damaged and is kept as " + aside.path());
  }
  // Closing it has merged its log, unless that was not possible.
  if (std::filesystem::exists(fresh.path() + wal_suffix, error))
    return failure(ec::journal_failed, subject_of(fresh.path()), "it cannot be written to its end", "look at the disk");
  std::filesystem::rename(fresh.path(), path + rebuilt_suffix, error);
  if (error)
    return failure(ec::journal_failed, subject_of(fresh.path()), "it cannot be renamed: " + error.message(), "look at the disk");
  aside.keep();
  fresh.keep();
  if (auto swapped = swap_in(path); !swapped)
    return failure(swapped.error());
  return facts;
}

Result<Journal::Opened> Journal::open(const std::string& directory, const JournalSchema& schema) {
  auto impl = std::make_unique<Impl>();
  impl->path = directory + "/" + file_name;
  auto sequence = SequenceFile::open(directory + "/" + sequence_name);
  if (!sequence)
    return failure(ec::journal_failed, subject_of(impl->path), render(sequence.error()), "look at the disk of its directory");
  impl->sequence = std::move(*sequence);
  auto facts = std::vector<std::string>{};
  auto swapped = swap_in(impl->path);
  if (!swapped)
    return failure(swapped.error());
  if (*swapped)
    facts.push_back("the journal was damaged and was rebuilt by a berthd that ended meanwhile; the damaged one is beside it");
  auto found = find_journal(impl->path, schema);
  if (found && !found->damage.empty()) {
    found->database.reset();
    auto damage = found->damage;
    auto rebuilt = rebuild(impl->path, schema, found->version);
    if (!rebuilt)
      return failure(rebuilt.error());
    rebuilt->front() += " (" + damage + ")";
    facts.insert(facts.end(), rebuilt->begin(), rebuilt->end());
    found = find_journal(impl->path, schema);
    if (found && !found->damage.empty())
      return failure(ec::journal_failed, subject_of(impl->path), "it was rebuilt and is damaged again: " + found->damage,
                     "look at the disk of its directory");
  }
  if (!found)
    return failure(found.error());
  auto state = std::move(found->state);
  if (auto told = impl->sequence.get().value_or(0); told > state.last_event) {
    facts.push_back("events up to " + std::to_string(told) + " were told, and those after " + std::to_string(state.last_event)
                    + " are lost");
    state.last_event = told;
  }
  state.damage = std::move(facts);
  impl->database = std::move(found->database);
  impl->last_event = state.last_event;
  impl->sequence.put(state.last_event);
  return Opened{Journal{std::move(impl)}, std::move(state)};
}

} // namespace berth
