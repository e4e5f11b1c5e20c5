#pragma once

#include "messages/error.hpp"
#include "messages/journal.hpp"
#include "runtimes/container_record.hpp"
#include "runtimes/journal_schema.hpp"
#include "runtimes/linux/file.hpp"

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace berth {

// -- what is written ------------------------------------------------------------------------------

struct PutContainer {
  ContainerRecord record;
};

struct DropContainer {
  ContainerId id;
};

/// With its number.
struct PutEvent {
  Event event;
};

struct PutRevision {
  std::shared_ptr<const RevisionRecord> revision;
};

struct PutGeneration {
  GenerationRecord generation;
};

/// A single value by its name (`meta_…`).
struct PutMeta {
  std::string name;
  std::string value;
};

/// Drops what is not needed any more: events before a number or a time; generations that no container is of, except the last
/// one of each pool; and of the revisions all but the newest ones and those that made a generation which is left.
struct Prune {
  uint64_t first_event = 0;
  Timestamp events_since;
  uint64_t revisions = 0;
};

using JournalWrite = std::variant<PutContainer, DropContainer, PutEvent, PutRevision, PutGeneration, PutMeta, Prune>;

// -- what was written -----------------------------------------------------------------------------

/// What an earlier berthd has left.
struct JournalState {
  std::vector<ContainerRecord> containers;
  /// Of the newest event; 0 if there was none.
  uint64_t last_event = 0;
  ConfigHistory config;
  /// What could not be read, and what was done about it; empty if the journal was in order.
  std::vector<std::string> damage;
};

/// The durable record of a node: a SQLite database (WAL), with which all reads and writes are those of one thread. What was
/// written outlives this process as soon as `write` returns, and the machine's power if it was asked for.
///
/// The database has checksums for what it has not merged yet, but none for its pages, so each row has one, except those
/// of generations, which are numbers. It is locked for this process; another one cannot open it.
class Journal {
public:
  struct Opened;

  /// Opens or makes `directory`/journal.db. One that is damaged is kept under another name, what can still be read of it is
  /// taken over, and the rest is told in `damage`. Fails with `journal_failed` if the disk is full or read-only, or if the
  /// journal was written by a newer berthd.
  static Result<Opened> open(const std::string& directory, const JournalSchema& schema = journal_schema());

  Journal(Journal&&) noexcept;
  Journal& operator=(Journal&&) noexcept;
  ~Journal();

  /// All or nothing. Fails with `journal_failed`, and then nothing has changed and the same may be tried again.
  Result<void> write(std::span<const JournalWrite> writes, Durability durability);

  /// At most `max` events after the one of this number, oldest first. Damaged ones are missing.
  Result<std::vector<Event>> events_after(uint64_t seq, uint32_t max);

  /// Number of the oldest event; 0 if there is none.
  Result<uint64_t> first_event();

  /// The last failure was one of the database and not of the disk: open it again.
  bool is_damaged() const;

private:
  struct Impl;

  /// Puts what can be read of a damaged journal into a new one in its place; what is to be told about it. A process that ends on
  /// the way leaves the damaged one or the new one, never less. `version`: of the damaged one's tables.
  static Result<std::vector<std::string>> rebuild(const std::string& path, const JournalSchema& schema, size_t version);

  explicit Journal(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

struct Journal::Opened {
  Journal journal;
  JournalState state;
};

} // namespace berth
