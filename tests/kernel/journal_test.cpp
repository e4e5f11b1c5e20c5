#include "runtimes/journal.hpp"

#include "runtimes/database.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

#include <filesystem>
#include <fstream>
#include <random>
#include <set>

#include <sys/mount.h>
#include <sys/stat.h>

using namespace berth;
using namespace berth::test;

namespace {

ContainerRecord record_of(const std::string& id, uint64_t generation = 1) {
  auto record = ContainerRecord{};
  record.memory.info.spec.id.value = id;
  record.memory.info.spec.pool.value = "web";
  record.memory.info.generation = generation;
  record.boot_id = "boot";
  return record;
}

Event event_of(uint64_t seq, int64_t seconds = 1) {
  auto event = Event{};
  event.seq = seq;
  event.time.ns = seconds * 1'000'000'000;
  event.type = "container.oom";
  event.container.value = "c";
  event.texts["victim"] = "stress";
  event.numbers["kills"] = -3;
  event.flags["x"] = true;
  return event;
}

JournalWrite revision_of(uint64_t number) {
  auto revision = std::make_shared<RevisionRecord>();
  revision->info.number = number;
  revision->info.origin = "apply";
  revision->info.difference.pools.push_back({{"web"}, PoolChangeKind::added, {{"queue.length", "", "3", "f:1:2"}}});
  revision->files.push_back({"berth.yaml", "worker: {}\n"});
  return PutRevision{revision};
}

Journal::Opened open(const TempDir& dir, const JournalSchema& schema = journal_schema()) {
  auto opened = Journal::open(dir.path(), schema);
  if (!opened)
    FAIL(render(opened.error()));
  return std::move(*opened);
}

void write(Journal& journal, std::vector<JournalWrite> writes, Durability durability = Durability::process) {
  auto written = journal.write(writes, durability);
  if (!written)
    FAIL(render(written.error()));
}

std::vector<uint64_t> numbers_after(Journal& journal, uint64_t seq, uint32_t max = 1000) {
  auto result = std::vector<uint64_t>{};
  auto events = journal.events_after(seq, max);
  REQUIRE(events);
  for (const auto& event : *events)
    result.push_back(event.seq);
  return result;
}

std::string path_of(const TempDir& dir, const char* name = "journal.db") {
  return dir.path() + "/" + name;
}

std::string bytes_of(const std::string& path) {
  auto file = std::ifstream{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, {}};
}

void overwrite(const std::string& path, size_t offset, const std::string& bytes) {
  auto file = std::fstream{path, std::ios::in | std::ios::out | std::ios::binary};
  file.seekp(static_cast<std::streamoff>(offset)) << bytes << std::flush;
  REQUIRE(file);
}

std::set<std::string> names_in(const TempDir& dir) {
  auto result = std::set<std::string>{};
  for (const auto& entry : std::filesystem::directory_iterator{dir.path()})
    result.insert(entry.path().filename());
  return result;
}

/// A file system of a size of its own, for as long as this lives.
struct MountedTmpfs {
  MountedTmpfs(const std::string& where, const char* options) : path(where) {
    REQUIRE(::mount("berth-test", path.c_str(), "tmpfs", 0, options) == 0);
  }

  MountedTmpfs(const MountedTmpfs&) = delete;

  ~MountedTmpfs() {
    ::umount2(path.c_str(), MNT_DETACH);
  }

  std::string path;
};

} // namespace

TEST_CASE("a journal gives back what was written to it", "[journal]") {
  auto dir = TempDir{};
  {
    auto [journal, state] = open(dir);
    CHECK(state.containers.empty());
    CHECK(state.last_event == 0);
    CHECK(state.damage.empty());
    write(journal, {PutContainer{record_of("a")}, PutContainer{record_of("b")}, PutContainer{record_of("c")}});
    write(journal, {DropContainer{{"b"}}, PutEvent{event_of(1)}, PutEvent{event_of(2)}, revision_of(1),
                    PutGeneration{{{"web"}, 1, 1}}, PutMeta{meta_drained, "true"}},
          Durability::disk);
  }
  struct stat info = {};
  REQUIRE(::stat(path_of(dir).c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0600);
  auto [journal, state] = open(dir);
  CHECK(state.damage.empty());
  REQUIRE(state.containers.size() == 2);
  CHECK(state.containers[0].memory.info.spec.id.value == "a");
  CHECK(state.containers[0].boot_id == "boot");
  CHECK(state.containers[1].memory.info.spec.id.value == "c");
  CHECK(state.last_event == 2);
  REQUIRE(state.config.revisions.size() == 1);
  CHECK(state.config.revisions[0].files.at(0).text == "worker: {}\n");
  CHECK(state.config.revisions[0].info.difference.pools.at(0).settings.at(0).after == "3");
  CHECK(state.config.generations == std::vector<GenerationRecord>{{{"web"}, 1, 1}});
  CHECK(state.config.meta[meta_drained] == "true");
  auto events = journal.events_after(1, 10);
  REQUIRE(events);
  REQUIRE(events->size() == 1);
  const auto& event = events->at(0);
  CHECK(event.seq == 2);
  CHECK(event.time.ns == 1'000'000'000);
  CHECK(event.texts.at("victim") == "stress");
  CHECK(event.numbers.at("kills") == -3);
  CHECK(event.flags.at("x"));
}

TEST_CASE("a write to the journal happens whole or not at all", "[journal]") {
  auto dir = TempDir{};
  auto [journal, state] = open(dir);
  write(journal, {PutEvent{event_of(1)}});
  // A number that is taken.
  auto writes = std::vector<JournalWrite>{PutContainer{record_of("a")}, PutEvent{event_of(1)}};
  auto failed = journal.write(writes, Durability::process);
  REQUIRE_FALSE(failed);
  CHECK(failed.error().code == ec::journal_failed);
  write(journal, {PutEvent{event_of(2)}});
  CHECK(numbers_after(journal, 0) == std::vector<uint64_t>{1, 2});
}

TEST_CASE("the journal forgets events by number and age, and generations and revisions that nothing is of", "[journal]") {
  auto dir = TempDir{};
  {
    auto [journal, state] = open(dir);
    auto writes = std::vector<JournalWrite>{PutContainer{record_of("pinned", 2)}};
    for (auto seq = 1; seq <= 10; ++seq)
      writes.push_back(PutEvent{event_of(static_cast<uint64_t>(seq), seq)});
    for (auto number : {1, 2, 3, 4, 5}) {
      writes.push_back(revision_of(static_cast<uint64_t>(number)));
      writes.push_back(PutGeneration{{{"web"}, static_cast<uint64_t>(number), static_cast<uint64_t>(number)}});
    }
    write(journal, writes);
    write(journal, {Prune{4, {6'000'000'000}, 1}});
    CHECK(numbers_after(journal, 0) == std::vector<uint64_t>{6, 7, 8, 9, 10});
    CHECK(numbers_after(journal, 7, 2) == std::vector<uint64_t>{8, 9});
    CHECK(journal.first_event() == uint64_t{6});
  }
  auto [journal, state] = open(dir);
  CHECK(state.config.generations == std::vector<GenerationRecord>{{{"web"}, 2, 2}, {{"web"}, 5, 5}});
  REQUIRE(state.config.revisions.size() == 2);
  CHECK(state.config.revisions[0].info.number == 2);
  CHECK(state.config.revisions[1].info.number == 5);
}

TEST_CASE("a clock that is set back makes no event old before those that came before it", "[journal]") {
  auto dir = TempDir{};
  auto [journal, state] = open(dir);
  auto writes = std::vector<JournalWrite>{};
  auto seconds = std::vector<int64_t>{10, 20, 5, 6, 30};
  for (auto i = size_t{0}; i < seconds.size(); ++i)
    writes.push_back(PutEvent{event_of(i + 1, seconds[i])});
  write(journal, writes);
  write(journal, {Prune{0, {15'000'000'000}, 1}});
  CHECK(numbers_after(journal, 0) == std::vector<uint64_t>{2, 3, 4, 5});
}

TEST_CASE("an older journal is brought to the present version, a newer one is refused", "[journal]") {
  auto dir = TempDir{};
  auto schema = journal_schema();
  {
    auto [journal, state] = open(dir);
    write(journal, {PutContainer{record_of("a")}});
  }
  schema.push_back("ALTER TABLE revisions ADD COLUMN note TEXT; DELETE FROM containers");
  {
    auto [journal, state] = open(dir, schema);
    CHECK(state.containers.empty());
  }
  auto refused = Journal::open(dir.path());
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ec::journal_failed);
  CHECK(refused.error().reason.find("newer than this berthd") != std::string::npos);
  schema.push_back("CREATE TABLE broken(");
  CHECK_FALSE(Journal::open(dir.path(), schema));
  // A step that fails leaves the version before it.
  schema.pop_back();
  CHECK(Journal::open(dir.path(), schema));
}

TEST_CASE("a journal that another process has open is not opened", "[journal]") {
  auto dir = TempDir{};
  auto first = open(dir);
  write(first.journal, {PutContainer{record_of("a")}});
  auto second = Journal::open(dir.path());
  REQUIRE_FALSE(second);
  CHECK(second.error().reason.find("another process") != std::string::npos);
}

TEST_CASE("on a full disk the journal says so, loses nothing, and goes on when there is room", "[journal]") {
  auto dir = TempDir{};
  auto mounted = MountedTmpfs{dir.path(), "size=512k"};
  auto written = std::vector<uint64_t>{};
  {
    auto [journal, state] = open(dir);
    auto ballast = std::ofstream{path_of(dir, "ballast")};
    ballast << std::string(200 * 1024, 'x') << std::flush;
    auto failed = std::optional<Error>{};
    for (auto seq = uint64_t{1}; !failed && seq < 5000; ++seq) {
      auto writes = std::vector<JournalWrite>{PutEvent{event_of(seq)}};
      if (auto done = journal.write(writes, Durability::process))
        written.push_back(seq);
      else
        failed = done.error();
    }
    REQUIRE(failed);
    CHECK(failed->code == ec::journal_failed);
    CHECK(failed->reason == "the disk is full");
    REQUIRE(written.size() > 20);
    CHECK(numbers_after(journal, 0, 10'000) == written);
    ballast.close();
    std::filesystem::remove(path_of(dir, "ballast"));
    written.push_back(written.back() + 1);
    write(journal, {PutEvent{event_of(written.back())}});
  }
  auto [journal, state] = open(dir);
  CHECK(state.damage.empty());
  CHECK(numbers_after(journal, 0, 10'000) == written);
}

TEST_CASE("a read-only disk is told", "[journal]") {
  auto dir = TempDir{};
  REQUIRE(::mount("berth-test", dir.path().c_str(), "tmpfs", MS_RDONLY, "size=512k") == 0);
  auto refused = Journal::open(dir.path());
  CHECK(::umount2(dir.path().c_str(), MNT_DETACH) == 0);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ec::journal_failed);
  CHECK(refused.error().reason.find("Read-only") != std::string::npos);
}

TEST_CASE("events that were told and are lost with the end of the journal are not numbered again", "[journal]") {
  auto dir = TempDir{};
  {
    auto [journal, state] = open(dir);
    write(journal, {PutEvent{event_of(1)}});
  }
  std::filesystem::copy_file(path_of(dir), path_of(dir, "copy"));
  {
    auto [journal, state] = open(dir);
    write(journal, {PutEvent{event_of(2)}, PutEvent{event_of(3)}});
  }
  std::filesystem::remove(path_of(dir, "journal.db-wal"));
  std::filesystem::rename(path_of(dir, "copy"), path_of(dir));
  auto [journal, state] = open(dir);
  CHECK(state.last_event == 3);
  REQUIRE(state.damage.size() == 1);
  CHECK(state.damage[0] == "events up to 3 were told, and those after 1 are lost");
}

TEST_CASE("a journal whose description of itself is damaged is noticed, and all of its rows are kept", "[journal]") {
  struct Case {
    std::string what;
    std::string after;
    /// What `after` takes the place of; empty: what is at `offset`.
    std::string before;
    size_t offset = 0;
  };
  // Offsets: https://www.sqlite.org/fileformat2.html#the_database_header
  auto [what, after, before, offset] = GENERATE(values<Case>({
    {"a key is none any more", "events(seq INTEGER PRIBARY", "events(seq INTEGER PRIMARY"},
    {"a column has another name", "revisiom INTEGER NOT NULL", "revision INTEGER NOT NULL"},
    {"a table has another name", "CREATE TABLE containerz", "CREATE TABLE containers"},
    {"a statement is none", "CREATE TUBLE meta", "CREATE TABLE meta"},
    {"the file is of another kind", "s", {}, 0},
    {"pages have a size that cannot be", "\x17", {}, 16},
    {"the file is not to be written", "\x07", {}, 18},
    {"the file is not to be read", "\x07", {}, 19},
    {"the file has more pages than there are", "\x01", {}, 29},
    {"the tables have an unknown format", "\x05", {}, 47},
    {"texts have another encoding", "\x02", {}, 59},
    {"the version is 0", std::string(1, '\0'), {}, 63},
    {"the version is a high one", "\x01", {}, 61},
    {"the version is below 0", "\x80", {}, 60},
  }));
  CAPTURE(what);
  auto dir = TempDir{};
  {
    auto [journal, state] = open(dir);
    write(journal, {PutContainer{record_of("a")}, PutEvent{event_of(1)}, PutEvent{event_of(2)}, revision_of(1),
                    PutGeneration{{{"web"}, 1, 1}}, PutMeta{meta_drained, "true"}});
  }
  overwrite(path_of(dir), before.empty() ? offset : bytes_of(path_of(dir)).find(before), after);
  {
    auto [journal, state] = open(dir);
    REQUIRE(state.damage.size() == 1);
    CHECK(state.damage[0].starts_with("the journal was damaged and is kept as " + path_of(dir, "journal.db.damaged")));
    CHECK(state.containers.size() == 1);
    CHECK(state.config.revisions.size() == 1);
    CHECK(state.config.generations.size() == 1);
    CHECK(state.config.meta[meta_drained] == "true");
    CHECK(state.last_event == 2);
    CHECK(numbers_after(journal, 0) == std::vector<uint64_t>{1, 2});
  }
  // Once.
  CHECK(open(dir).state.damage.empty());
  CHECK(names_in(dir) == std::set<std::string>{"journal.db", "journal.db.damaged", "journal.seq"});
}

TEST_CASE("a damaged journal that cannot be rebuilt on a full disk stays as it is until there is room", "[journal]") {
  auto dir = TempDir{};
  auto mounted = MountedTmpfs{dir.path(), "size=512k"};
  {
    auto [journal, state] = open(dir);
    auto writes = std::vector<JournalWrite>{PutContainer{record_of("a")}};
    for (auto seq = uint64_t{1}; seq <= 200; ++seq)
      writes.push_back(PutEvent{event_of(seq)});
    write(journal, writes);
  }
  auto before = names_in(dir);
  overwrite(path_of(dir), 63, std::string(1, '\0'));
  auto size = std::filesystem::file_size(path_of(dir));
  // Room for the copy that is kept, or not even for that.
  auto room = GENERATE_COPY(size + 20'000, size / 2);
  std::ofstream{path_of(dir, "ballast")} << std::string(std::filesystem::space(dir.path()).available - room, 'x');
  for (auto attempt : {1, 2}) {
    CAPTURE(room, attempt);
    auto refused = Journal::open(dir.path());
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == ec::journal_failed);
    CHECK(bytes_of(path_of(dir)).size() == size);
  }
  std::filesystem::remove(path_of(dir, "ballast"));
  CHECK(names_in(dir) == before);
  auto [journal, state] = open(dir);
  REQUIRE(state.damage.size() == 1);
  CHECK(state.containers.size() == 1);
  CHECK(numbers_after(journal, 0).size() == 200);
}

TEST_CASE("what is only in the log of a damaged journal is taken over, after a rebuild that did not come to its end", "[journal]") {
  // Of the header: what kind of file this is, who may write it, which version it has.
  auto offset = GENERATE(size_t{0}, size_t{18}, size_t{63});
  CAPTURE(offset);
  auto dir = TempDir{};
  {
    auto place = TempDir{};
    {
      auto [journal, state] = open(place);
      write(journal, {PutContainer{record_of("merged")}, PutEvent{event_of(1)}});
    }
    auto [journal, state] = open(place);
    write(journal, {PutContainer{record_of("in the log")}, PutEvent{event_of(2)}});
    for (auto name : {"journal.db", "journal.db-wal"})
      std::filesystem::copy_file(path_of(place, name), path_of(dir, name));
  }
  overwrite(path_of(dir), offset, std::string(1, '\7'));
  for (auto leftover : {"journal.db.new", "journal.db.new-wal"})
    std::ofstream{path_of(dir, leftover)} << "half a file";
  auto [journal, state] = open(dir);
  CHECK(state.damage.size() == 1);
  CHECK(state.containers.size() == 2);
  CHECK(numbers_after(journal, 0) == std::vector<uint64_t>{1, 2});
  CHECK_FALSE(std::filesystem::exists(path_of(dir, "journal.db.new")));
}

TEST_CASE("a journal that was rebuilt takes the place of the damaged one, whenever the process ended", "[journal]") {
  auto has_log = GENERATE(true, false); // that of the damaged one goes first
  CAPTURE(has_log);
  auto dir = TempDir{};
  {
    auto place = TempDir{};
    auto [journal, state] = open(place);
    write(journal, {PutContainer{record_of("damaged")}});
    std::filesystem::copy_file(path_of(place), path_of(dir));
    if (has_log)
      std::filesystem::copy_file(path_of(place, "journal.db-wal"), path_of(dir, "journal.db-wal"));
  }
  {
    auto place = TempDir{};
    {
      auto [journal, state] = open(place);
      write(journal, {PutContainer{record_of("rebuilt")}});
    }
    std::filesystem::copy_file(path_of(place), path_of(dir, "journal.db.rebuilt"));
  }
  auto [journal, state] = open(dir);
  REQUIRE(state.damage.size() == 1);
  CHECK(state.damage[0].find("was rebuilt") != std::string::npos);
  REQUIRE(state.containers.size() == 1);
  CHECK(state.containers[0].memory.info.spec.id.value == "rebuilt");
  CHECK_FALSE(std::filesystem::exists(path_of(dir, "journal.db.rebuilt")));
}

TEST_CASE("a damaged index of the journal is noticed before a write fails on it", "[journal]") {
  auto dir = TempDir{};
  {
    auto [journal, state] = open(dir);
    write(journal, {PutContainer{record_of("same-length-a")}, PutContainer{record_of("same-length-b")}});
  }
  {
    auto bytes = bytes_of(path_of(dir));
    // The first page describes the tables, the second is that of the containers, the third their index.
    auto page = size_t{256} * static_cast<unsigned char>(bytes[16]) + static_cast<unsigned char>(bytes[17]);
    auto place = bytes.find("same-length-a", 2 * page);
    REQUIRE(place < 3 * page);
    overwrite(path_of(dir), place, "Same");
  }
  auto [journal, state] = open(dir);
  REQUIRE(state.damage.size() == 1);
  CHECK(state.damage[0].starts_with("the journal was damaged"));
  CHECK(state.containers.size() == 2);
  write(journal, {PutContainer{record_of("same-length-a")}, DropContainer{{"same-length-b"}}});
}

TEST_CASE("an event is not told under a number that it never had", "[journal]") {
  auto dir = TempDir{};
  {
    auto [journal, state] = open(dir);
    write(journal, {PutEvent{event_of(1)}, PutEvent{event_of(2)}, PutEvent{event_of(3)}});
  }
  REQUIRE(execute(open_database(path_of(dir)).database.get(), "UPDATE events SET seq = 7 WHERE seq = 3") == SQLITE_OK);
  auto [journal, state] = open(dir);
  CHECK(state.last_event == 7);
  CHECK(numbers_after(journal, 0) == std::vector<uint64_t>{1, 2});
  CHECK(numbers_after(journal, 2).empty());
}

TEST_CASE("flipped bytes in a journal are noticed, and what is not hit is kept", "[journal]") {
  constexpr auto containers = 40;
  constexpr auto events = 300;
  auto original = TempDir{};
  {
    auto [journal, state] = open(original);
    auto writes = std::vector<JournalWrite>{revision_of(1), PutGeneration{{{"web"}, 1, 1}}};
    for (auto i = 0; i < containers; ++i)
      writes.push_back(PutContainer{record_of("c" + std::to_string(i))});
    for (auto seq = uint64_t{1}; seq <= events; ++seq)
      writes.push_back(PutEvent{event_of(seq)});
    write(journal, writes, Durability::disk);
  }
  auto size = std::filesystem::file_size(path_of(original));
  auto seed = std::random_device{}();
  CAPTURE(seed);
  auto random = std::mt19937{seed};
  auto intact = 0;
  auto salvaged = size_t{0};
  constexpr auto rounds = 200;
  for (auto round = 0; round < rounds; ++round) {
    auto dir = TempDir{};
    std::filesystem::copy(original.path(), dir.path(), std::filesystem::copy_options::recursive | std::filesystem::copy_options::overwrite_existing);
    auto flips = 1 + random() % 8;
    {
      auto file = std::fstream{path_of(dir), std::ios::in | std::ios::out | std::ios::binary};
      for (auto i = 0u; i < flips; ++i) {
        auto offset = static_cast<std::streamoff>(random() % size);
        file.seekg(offset);
        auto byte = static_cast<char>(file.get() ^ static_cast<char>(1 + random() % 255));
        file.seekp(offset);
        file.put(byte);
      }
    }
    CAPTURE(round);
    auto [journal, state] = open(dir);
    // What is given back is what was written.
    for (const auto& record : state.containers)
      CHECK(render_record(record.memory, record.boot_id)
            == render_record(record_of(record.memory.info.spec.id.value).memory, "boot"));
    auto complete = state.containers.size() == containers && state.config.revisions.size() == 1;
    if (state.damage.empty()) {
      // Hit where nothing is, or an event: those are looked at when they are read.
      ++intact;
      CHECK(complete);
    } else {
      salvaged += state.containers.size();
      CHECK(state.damage[0].find("is kept as " + path_of(dir, "journal.db.damaged")) != std::string::npos);
      CHECK(std::filesystem::exists(path_of(dir, "journal.db.damaged")));
    }
    // The numbers of events go on, and so does the journal.
    CHECK(state.last_event >= events); // a flip may make the last number a higher one
    write(journal, {PutEvent{event_of(state.last_event + 1)}, PutContainer{record_of("new")}});
    CHECK(numbers_after(journal, events) == std::vector<uint64_t>{state.last_event + 1});
  }
  WARN("flipped bytes, " << rounds << " rounds: " << intact << " not damaged where it matters, " << salvaged << " of "
                         << (rounds - intact) * containers << " containers read from the damaged ones");
  CHECK(intact < rounds);
}
