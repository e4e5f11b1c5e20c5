#pragma once

#include "messages/types.hpp"

#include <chrono>
#include <string>
#include <vector>

namespace berth {

/// What a thing was that berthd found when it started.
enum class LedgerKind : uint8_t {
  container,
  journal_row,
  directory,
  monitor,
  log,
  layer,
  cgroup,
  runtime_record,
  mount,
  network_namespace,
};

/// "container", "journal-row", …
const char* to_string(LedgerKind kind);

/// What became of it.
enum class Verdict : uint8_t {
  /// Of a container that goes on, or waits for its removal: it is managed as before.
  adopted,
  /// Of a container that ended while no berthd ran; its end was told.
  finished,
  /// Made by Berth and of no container any more: it was removed.
  orphan,
  /// Under Berth's names, but not made by this version of it: left alone.
  foreign,
};

const char* to_string(Verdict verdict);

/// One thing under Berth's names.
struct LedgerEntry {
  LedgerKind kind = LedgerKind::container;
  /// A container id, a path, a pid.
  std::string name;
  Verdict verdict = Verdict::adopted;
  /// Whose it is; empty if that cannot be told.
  ContainerId container;
  /// Why, for people.
  std::string detail;
  /// Why it could not be removed; empty if it was, or did not have to be.
  std::string problem;
};

template <class Inspector>
auto inspect(Inspector& f, LedgerEntry& x) {
  return f(x.kind, x.name, x.verdict, x.container, x.detail, x.problem);
}

/// Everything that was there when berthd started, matched.
struct Ledger {
  Timestamp at;
  /// How long it took from the first look to the last removal.
  std::chrono::nanoseconds took{0};
  /// What could not be restored; empty if nothing was lost.
  std::vector<std::string> notes;
  std::vector<LedgerEntry> entries;
};

template <class Inspector>
auto inspect(Inspector& f, Ledger& x) {
  return f(x.at, x.took, x.notes, x.entries);
}

/// How many entries of the ledger are like that.
size_t count(const Ledger& ledger, LedgerKind kind, Verdict verdict);

/// Of all kinds.
size_t count(const Ledger& ledger, Verdict verdict);

} // namespace berth
