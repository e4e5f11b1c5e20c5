#include "messages/ledger.hpp"

#include <algorithm>

namespace berth {

const char* to_string(LedgerKind kind) {
  switch (kind) {
    case LedgerKind::container: return "container";
    case LedgerKind::journal_row: return "journal-row";
    case LedgerKind::directory: return "directory";
    case LedgerKind::monitor: return "monitor";
    case LedgerKind::log: return "log";
    case LedgerKind::layer: return "layer";
    case LedgerKind::cgroup: return "cgroup";
    case LedgerKind::runtime_record: return "runtime-record";
    case LedgerKind::mount: return "mount";
    case LedgerKind::network_namespace: return "network-namespace";
  }
  return "?";
}

const char* to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::adopted: return "adopted";
    case Verdict::finished: return "finished";
    case Verdict::orphan: return "orphan";
    case Verdict::foreign: return "foreign";
  }
  return "?";
}

size_t count(const Ledger& ledger, LedgerKind kind, Verdict verdict) {
  return static_cast<size_t>(std::count_if(ledger.entries.begin(), ledger.entries.end(), [&](const auto& x) {
    return x.kind == kind && x.verdict == verdict;
  }));
}

size_t count(const Ledger& ledger, Verdict verdict) {
  return static_cast<size_t>(
    std::count_if(ledger.entries.begin(), ledger.entries.end(), [&](const auto& x) { return x.verdict == verdict; }));
}

} // namespace berth
