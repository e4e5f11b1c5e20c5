#include "tests/e2e/nodes.hpp"

using namespace berth;
using namespace berth::test;
using namespace std::chrono_literals;

namespace {

constexpr auto workers = 8;

/// What is made once and then kept is there afterwards.
void warm_up(const TestNode& node) {
  in_parallel(2 * workers, workers, [&](int) { node.run("plain", {"--rm"}, {"/bin/true"}); });
}

Census settled_census(const TestNode& node) {
  auto previous = node.census();
  eventually(5s, [&] {
    auto now = node.census();
    auto settled = difference(previous, now).empty();
    previous = std::move(now);
    return settled;
  });
  return previous;
}

std::vector<Json> objects_in(const std::string& text) {
  auto result = std::vector<Json>{};
  for (auto& line : lines_of(text))
    if (auto json = Json::parse(line, nullptr, false); json.is_object())
      result.push_back(std::move(json));
  return result;
}

} // namespace

TEST_CASE("five hundred launches, eight at a time, leave nothing behind", "[launches]") {
  BERTH_NEEDS_RUNC();
  auto count = count_from_env("BERTH_TEST_LAUNCHES", 500, 40);
  auto node = TestNode{plain_config()};
  warm_up(node);
  auto before = settled_census(node);
  auto results = std::vector<Output>(count);
  in_parallel(count, workers, [&](int i) { results[i] = node.run("plain", {"--rm"}, {"/bin/true"}, 120s); });
  for (auto& result : results)
    if (result.code != 0 || !result.out.empty() || !result.err.empty())
      FAIL_CHECK(describe(result));
  CHECK(node.query({"ps", "-a"}).empty());
  CHECK(node.leaks_since(before) == "");
  auto pool = pool_of(node, "plain");
  CHECK(pool["running"] == 0);
  CHECK(pool["starting"] == 0);
  auto types = types_of(node.events());
  CHECK(std::count(types.begin(), types.end(), "container.removed") == count + 2 * workers);
}

TEST_CASE("launches that fail leave nothing behind either", "[launches]") {
  BERTH_NEEDS_RUNC();
  auto count = count_from_env("BERTH_TEST_FAILED_LAUNCHES", 60, 12);
  auto node = TestNode{plain_config()};
  warm_up(node);
  auto before = settled_census(node);
  auto wrong = std::atomic<int>{0};
  in_parallel(count, workers, [&](int i) {
    auto flags = std::vector<Argv>{{}, {"--mount", "/no/such/source:/data"}, {"--user", "nobody-we-know"}};
    auto codes = std::vector<int>{127, 125, 125};
    auto kind = static_cast<size_t>(i) % flags.size();
    auto command = kind == 0 ? "/no/such/program" : "/bin/true";
    if (node.run("plain", flags[kind], {command}, 120s).code != codes[kind])
      ++wrong;
  });
  CHECK(wrong == 0);
  CHECK(node.query({"ps", "-a"}).empty());
  CHECK(node.leaks_since(before) == "");
}

TEST_CASE("a reader of events that does not read is told what it missed and slows nobody", "[launches]") {
  BERTH_NEEDS_RUNC();
  auto count = count_from_env("BERTH_TEST_LAUNCHES", 500, 40) / 2;
  auto node = TestNode{plain_config("  eventHistory: 100\n")};
  auto slow = RawConnection{node.socket()};
  REQUIRE(slow.send(http_request("GET", "/v1/events?since=0&follow=true")));
  auto fast = node.berth_beside({"events", "--since", "0", "-o", "json"});
  in_parallel(count, workers, [&](int) { node.run("plain", {"--rm"}, {"/bin/true"}, 120s); });
  auto last = node.last_event();
  REQUIRE(last >= static_cast<uint64_t>(4 * count));
  // Whoever asks for what is gone is told how much that is.
  auto late = objects_in(node.berth({"events", "--since", "0", "--no-follow", "-o", "json"}).out);
  // An eighth more than the limit may be there, until the next look.
  REQUIRE(late.size() >= 101);
  REQUIRE(late.size() <= 101 + 13);
  CHECK(late[0]["type"] == "gap");
  auto kept = late.size() - 1;
  CHECK(late[0]["missed"] == last - kept);
  CHECK(late[1]["seq"] == last - kept + 1);
  // The one that reads has everything.
  CHECK(eventually(10s, [&] { return contains(fast->out(), "\"seq\":" + std::to_string(last)); }));
  auto next = uint64_t{0};
  for (auto& event : objects_in(fast->out()))
    CHECK(event["seq"] == ++next);
  // The one that did not has all of it but for what a gap record counts.
  auto reached_last = [&](std::string_view text) { return contains(std::string{text}, "\"seq\":" + std::to_string(last)); };
  auto told = uint64_t{0};
  for (auto& object : objects_in(parse_answer(slow.read_until(reached_last, 20s)).body)) {
    if (object["type"] == "gap")
      told += object["missed"].get<uint64_t>();
    else
      CHECK(object["seq"] == ++told);
  }
  CHECK(told == last);
}
