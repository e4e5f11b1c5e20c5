#pragma once

#include "messages/cause.hpp"
#include "messages/container_memory.hpp"
#include "messages/event.hpp"
#include "messages/revision.hpp"

#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/replies_to.hpp>
#include <caf/typed_actor.hpp>

#include <map>
#include <memory>
#include <optional>
#include <vector>

namespace berth {

/// Which revision made a generation of a pool, by which its settings are found again.
struct GenerationRecord {
  PoolName pool;
  uint64_t number = 0;
  uint64_t revision = 0;

  friend bool operator==(const GenerationRecord&, const GenerationRecord&) = default;
};

/// One accepted version of the configuration, with the files that it was made of.
struct RevisionRecord {
  RevisionInfo info;
  std::vector<ConfigFile> files;
};

/// What is recorded of the configuration.
struct ConfigHistory {
  /// Oldest first.
  std::vector<RevisionRecord> revisions;
  std::vector<GenerationRecord> generations;
  /// Single values by the names below.
  std::map<std::string, std::string> meta;
};

/// "true" while the node is drained.
constexpr auto meta_drained = "drained";
/// Digest of the configuration as its files had it when they were read last, at a start or by a SIGHUP.
constexpr auto meta_file_digest = "file_digest";

/// CONTAINER -> JOURNAL: this is how the container stands now, and that is what there is to tell about it. Both or none of them
/// outlive a crash. Never leaves the process, as all that is written does.
struct RecordContainer {
  ContainerMemoryPtr memory;
  std::optional<Event> event;
  Cause cause;
};

/// CONTAINER -> JOURNAL: nothing is left of it.
struct ForgetContainer {
  ContainerId id;
  Event event;
  Cause cause;
};

/// REVISION -> JOURNAL: this revision takes effect, and these generations with it. Answered when that, and all that came before it,
/// would outlive a power failure.
struct RecordRevision {
  /// Null if it is recorded already.
  std::shared_ptr<const RevisionRecord> revision;
  std::vector<GenerationRecord> generations;
  /// Digest of the configured files, if they were what was read.
  std::optional<std::string> file_digest;
  Cause cause;
};

/// NODE -> JOURNAL.
struct RecordDrained {
  bool is_drained = false;
  Cause cause;
};

/// EVENT -> JOURNAL: what is behind the events that you have told me, oldest first?
struct ReadOldEvents {
  uint64_t since = 0;
  uint32_t max = 1000;
  Cause cause;
};

template <class Inspector>
auto inspect(Inspector& f, ReadOldEvents& x) {
  return f(x.since, x.max, x.cause);
}

/// JOURNAL -> EVENT.
struct OldEvents {
  std::vector<Event> events;
};

template <class Inspector>
auto inspect(Inspector& f, OldEvents& x) {
  return f(x.events);
}

/// EVENT -> JOURNAL: tell me what was recorded after the event of this number, and what is recorded from now on.
struct TellEvents {
  EventActor listener;
  uint64_t since = 0;
  Cause cause;
};

template <class Inspector>
auto inspect(Inspector& f, TellEvents& x) {
  return f(x.listener, x.since, x.cause);
}

/// INTERNAL: write what has gathered.
struct FlushJournal {
  Cause cause;
};

template <class Inspector>
auto inspect(Inspector& f, FlushJournal& x) {
  return f(x.cause);
}

/// INTERNAL: try again what could not be written.
struct RetryJournal {
  Cause cause;
};

template <class Inspector>
auto inspect(Inspector& f, RetryJournal& x) {
  return f(x.cause);
}

/// How long a write may take, with those in front of it. A disk that takes longer is as good as none.
constexpr auto journal_deadline = std::chrono::seconds{20};
/// Between two attempts to write to a disk that is full or broken.
constexpr auto journal_retry = std::chrono::seconds{1};

/// JOURNAL: the only one that writes to the journal of the node.
///
///     CONTAINER -- RecordContainer --> JOURNAL --> (answer)     before what must not happen unrecorded
///     anyone ----- Event ------------> JOURNAL
///     REVISION --- RecordRevision ---> JOURNAL --> (answer)
///     JOURNAL ---- EventsRecorded ---> EVENT                    only what is recorded is told to readers
///
/// What comes while it writes is written together, in one transaction, in the order in which it came. When the disk is full or
/// broken, those who wait for an answer get `journal_failed`, and what is told for others' sake waits until it can be written:
/// how each container stands, and a bounded number of events.
using JournalActor = caf::typed_actor<
  caf::replies_to<RecordContainer>::with<void>,
  caf::replies_to<ForgetContainer>::with<void>,
  // What no container is concerned with. `seq` and an empty `time` are filled in.
  caf::reacts_to<Event>,
  caf::replies_to<RecordRevision>::with<void>,
  caf::replies_to<RecordDrained>::with<void>,
  caf::replies_to<ReadOldEvents>::with<OldEvents>,
  caf::reacts_to<TellEvents>,
  caf::reacts_to<FlushJournal>,
  caf::reacts_to<RetryJournal>>;

} // namespace berth

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::RecordContainer)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::ForgetContainer)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::RecordRevision)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::RecordDrained)
