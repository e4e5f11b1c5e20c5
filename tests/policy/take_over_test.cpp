#include "actors/policy/take_over.hpp"

#include "actors/policy/config_digest.hpp"
#include "config/load_settings.hpp"
#include "tests/support/catch.hpp"

using namespace berth;

namespace {

constexpr auto now_ns = Timestamp{1'700'000'000'000'000'000};

std::vector<ConfigFile> files(const std::string& text) {
  return {{"f.yaml", text}};
}

Settings settings(const std::string& text) {
  auto loaded = load_settings({{"f.yaml", text}});
  REQUIRE(loaded);
  return *loaded;
}

/// A journal whose revisions have these texts, each of which made the next generation of pool `web`.
ConfigHistory journal_of(const std::vector<std::string>& texts, const std::string& file_text) {
  auto state = ConfigHistory{};
  for (const auto& text : texts) {
    auto number = state.revisions.size() + 1;
    auto record = RevisionRecord{};
    record.info.number = number;
    record.info.digest = digest_of(settings(text));
    record.files = files(text);
    state.revisions.push_back(std::move(record));
    state.generations.push_back({{"web"}, number, number});
  }
  state.meta[meta_file_digest] = digest_of(settings(file_text));
  return state;
}

TakeOver begin(const ConfigHistory& journal, const std::string& file, std::vector<ContainerMemory> containers = {}) {
  return take_over(journal, settings(file), files(file), std::move(containers), now_ns);
}

ContainerMemory container(const std::string& id, const std::string& pool, uint64_t generation) {
  auto memory = ContainerMemory{};
  memory.info.spec.id = {id};
  memory.info.spec.pool = {pool};
  memory.info.generation = generation;
  memory.info.selection.configured = RuntimeKind::gvisor;
  memory.ticket = 77;
  return memory;
}

const auto A = std::string{"worker: {pools: {web: {maxContainers: 1}}}\n"};
const auto B = std::string{"worker: {pools: {web: {maxContainers: 2}}}\n"};
const auto C = std::string{"worker: {pools: {web: {maxContainers: 3}}}\n"};

uint32_t limit(const TakeOver& start) {
  return start.settings->pools.at("web").max_containers.value;
}

const PoolStart& pool(const TakeOver& start, const std::string& name) {
  for (const auto& x : start.pools)
    if (x.name.value == name)
      return x;
  FAIL("there is no pool " << name);
  return start.pools.front();
}

} // namespace

TEST_CASE("the newest word counts after a start: edited files, else the revision that was in effect", "[policy][takeover]") {
  struct Row {
    const char* what;
    /// Of the revisions in the journal, oldest first.
    std::vector<std::string> revisions;
    /// Of the configured files when they were read last, and now.
    std::string files_then;
    std::string files_now;
    uint32_t limit;
    uint64_t revision;
    uint64_t generation;
    bool is_new;
  };
  auto row = GENERATE(Row{"first start", {}, A, A, 1, 1, 1, true}, Row{"nothing changed", {A}, A, A, 1, 1, 1, false},
                      Row{"applied since", {A, B}, A, A, 2, 2, 2, false},
                      Row{"files edited", {A}, A, B, 2, 2, 2, true},
                      Row{"files edited after an apply", {A, B}, A, C, 3, 3, 3, true},
                      Row{"files edited to what was applied", {A, B}, A, B, 2, 2, 2, false},
                      Row{"written differently", {A}, A, A + "# a remark\n", 1, 1, 1, false});
  CAPTURE(row.what);
  auto journal = row.revisions.empty() ? ConfigHistory{} : journal_of(row.revisions, row.files_then);
  auto start = begin(journal, row.files_now);
  CHECK(limit(start) == row.limit);
  CHECK(start.revisions.back().record.info.number == row.revision);
  CHECK(start.revisions.back().settings == start.settings);
  CHECK(start.is_new_revision == row.is_new);
  CHECK(start.last_generations.at({"web"}) == row.generation);
  CHECK(start.generations.size() == (row.is_new ? 1 : 0));
  CHECK(pool(start, "web").memory->generations.back().number == row.generation);
  // Each revision of this journal made a generation.
  CHECK(pool(start, "web").memory->generations.back().revision == row.revision);
  CHECK(start.revisions.back().record.info.difference.pools.size() == (row.is_new && row.revision > 1 ? 1 : 0));
}

TEST_CASE("containers stay in their generations, with the settings that these had", "[policy][takeover]") {
  auto start = begin(journal_of({A, B, C}, C), C, {container("x", "web", 1), container("y", "web", 3), container("z", "web", 1)});
  const auto& web = pool(start, "web");
  REQUIRE(web.memory->generations.size() == 2);
  CHECK(web.memory->generations[0].number == 1);
  CHECK(web.memory->generations[0].settings->max_containers.value == 1);
  CHECK(web.memory->generations[1].number == 3);
  CHECK(web.memory->generations[0].revision == 1);
  CHECK(web.memory->generations[1].revision == 3);
  CHECK(web.memory->generations[1].settings->max_containers.value == 3);
  CHECK_FALSE(web.memory->retired);
  REQUIRE(web.containers.size() == 3);
  CHECK(web.containers[0]->ticket == 1);
  CHECK(web.containers[2]->ticket == 3);
  CHECK(start.last_ticket == 3);
  CHECK(start.notes.empty());
}

TEST_CASE("alike containers share their explanation again", "[policy][takeover][why]") {
  auto containers = std::vector<ContainerMemory>{};
  for (auto id : {"x", "y", "z"}) {
    auto& memory = containers.emplace_back(container(id, "web", 1));
    auto why = Explanation{};
    why.asked.pids = memory.info.spec.id.value == "z" ? 5 : 0;
    memory.info.why.value = std::make_shared<const Explanation>(why);
  }
  auto start = begin(journal_of({A}, A), A, std::move(containers));
  const auto& web = pool(start, "web").containers;
  CHECK(web.at(0)->info.why.value == web.at(1)->info.why.value);
  CHECK(web.at(0)->info.why.value != web.at(2)->info.why.value);
}

TEST_CASE("a pool that is not configured any more goes on until its last container has ended", "[policy][takeover]") {
  auto journal = journal_of({A}, A);
  auto text = std::string{"worker: {pools: {other: }}\n"};
  auto start = begin(journal, text, {container("x", "web", 1)});
  REQUIRE(start.pools.size() == 2);
  const auto& web = pool(start, "web");
  CHECK(web.memory->retired);
  CHECK(web.memory->generations.back().settings->max_containers.value == 1);
  CHECK(web.containers.size() == 1);
  CHECK_FALSE(pool(start, "other").memory->retired);
  // One that comes back goes on counting.
  CHECK(start.last_generations.at({"web"}) == 1);
}

TEST_CASE("without the journal's revisions, numbers go on behind those of the containers", "[policy][takeover]") {
  auto start = begin({}, A, {container("x", "web", 4), container("y", "web", 2), container("z", "lost", 9)});
  const auto& web = pool(start, "web");
  CHECK(start.last_generations.at({"web"}) == 4);
  REQUIRE(web.memory->generations.size() == 2);
  CHECK(web.memory->generations[0].number == 2);
  CHECK(web.memory->generations[0].settings->runtime.value == RuntimeKind::gvisor);
  CHECK(web.memory->generations[1].number == 4);
  CHECK(pool(start, "lost").memory->retired);
  CHECK(start.notes.size() == 2);
}

TEST_CASE("a revision that this berthd cannot read gives way to the files", "[policy][takeover]") {
  auto journal = journal_of({A}, A);
  journal.revisions[0].files[0].text = "worker: {pools: {web: {fromTheFuture: 1}}}";
  auto start = begin(journal, A);
  CHECK(limit(start) == 1);
  CHECK(start.is_new_revision);
  CHECK(start.revisions.back().record.info.number == 2);
  CHECK(start.notes.size() == 1);
}
