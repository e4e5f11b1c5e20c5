#include "messages/container_memory.hpp"
#include "messages/pool.hpp"

namespace berth {

const char* to_string(OomScope scope) {
  switch (scope) {
    case OomScope::container: return "container";
    case OomScope::process: return "process";
  }
  return "?";
}

const char* to_string(ActorKind kind) {
  switch (kind) {
    case ActorKind::pool: return "pool";
    case ActorKind::selector: return "selector";
    case ActorKind::runtime: return "runtime";
    case ActorKind::container: return "container";
    case ActorKind::oom: return "oom";
    case ActorKind::node: return "node";
    case ActorKind::revision: return "revision";
    case ActorKind::event: return "event";
    case ActorKind::journal: return "journal";
    case ActorKind::launcher: return "launcher";
  }
  return "?";
}

const char* to_string(Phase phase) {
  switch (phase) {
    case Phase::accepted: return "accepted";
    case Phase::creating: return "creating";
    case Phase::created: return "created";
    case Phase::starting: return "starting";
    case Phase::running: return "running";
    case Phase::stopping: return "stopping";
    case Phase::ended: return "ended";
    case Phase::exited: return "exited";
    case Phase::failed: return "failed";
  }
  return "?";
}

const char* to_string(PoolChangeKind kind) {
  switch (kind) {
    case PoolChangeKind::added: return "added";
    case PoolChangeKind::removed: return "removed";
    case PoolChangeKind::changed: return "changed";
  }
  return "?";
}

const char* to_string(PoolState state) {
  switch (state) {
    case PoolState::preparing: return "preparing";
    case PoolState::ready: return "ready";
    case PoolState::degraded: return "degraded";
    case PoolState::unavailable: return "unavailable";
    case PoolState::retired: return "retired";
    case PoolState::restarting: return "restarting";
  }
  return "?";
}

} // namespace berth
