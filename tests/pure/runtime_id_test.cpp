#include "runtimes/runtime_id.hpp"

#include "runtimes/linux/kill_group.hpp"

#include "tests/support/catch.hpp"

#include <set>

using namespace berth;

TEST_CASE("runtime ids all have the same length and never repeat") {
  auto seen = std::set<std::string>{};
  for (int i = 0; i < 2000; ++i) {
    auto id = make_runtime_id();
    CAPTURE(id);
    CHECK(id.size() == runtime_id_length);
    CHECK(is_runtime_id(id));
    CHECK(is_valid_name(id));
    CHECK(seen.insert(id).second);
  }
}

TEST_CASE("runtime ids use every character they may") {
  auto first = std::set<char>{};
  auto rest = std::set<char>{};
  for (int i = 0; i < 2000; ++i) {
    auto id = make_runtime_id();
    first.insert(id.front());
    rest.insert(id.begin() + 1, id.end());
  }
  CHECK(std::string(first.begin(), first.end()) == "abcdefghijklmnopqrstuvwxyz");
  CHECK(std::string(rest.begin(), rest.end()) == "234567abcdefghijklmnopqrstuvwxyz");
}

TEST_CASE("only what make_runtime_id can return is taken for a runtime id") {
  auto text = GENERATE(as<std::string>{}, "", "a", "abcdefghijklmnopqrstuvwxy",
                       "abcdefghijklmnopqrstuvwxyzz", "2bcdefghijklmnopqrstuvwxyz",
                       "Abcdefghijklmnopqrstuvwxyz", "abcdefghijklmnopqrstuvwxy1",
                       "abcdefghijklm/opqrstuvwxyz", "abcdefghijklm.opqrstuvwxyz");
  CAPTURE(text);
  CHECK_FALSE(is_runtime_id(text));
  CHECK_FALSE(is_runtime_id(std::string("abcdefghijklmnopqrstuvwxy\0", 26)));
  CHECK(is_runtime_id("abcdefghijklmnopqrstuvwxyz"));
}

TEST_CASE("a file of a runtime's state says whose it is") {
  const auto id = std::string{"abcdefghijklmnopqrstuvwxyz"};
  for (const auto& name : {id, id + "_sandbox:" + id + ".state", "runsc-" + id + ".sock"})
    CHECK(runtime_id_of_state(name) == id);
  for (auto name : {"", "runsc-", "short", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "runsc-runsc-abcdefghijklmnopqrstuvwxyz"})
    CHECK(runtime_id_of_state(name).empty());
}

TEST_CASE("a process is in a cgroup, or below it, in any hierarchy, and not in one whose name only begins like it") {
  const auto v1 = std::string{"5:memory,cpu:/berth/web/abc\n0::/\n"};
  CHECK(is_listed_in_cgroup(v1, "/berth/web/abc"));
  CHECK(is_listed_in_cgroup("0::/berth/web/abc/run\n", "/berth/web/abc"));
  CHECK(is_listed_in_cgroup(v1, "/berth/web"));
  CHECK_FALSE(is_listed_in_cgroup(v1, "/berth/web/ab"));
  CHECK_FALSE(is_listed_in_cgroup(v1, "/web/abc"));
  CHECK_FALSE(is_listed_in_cgroup("0::/user.slice\n", "/berth/web/abc"));
  for (auto text : {"", "\n", "::", "nonsense", "1:2"})
    CHECK_FALSE(is_listed_in_cgroup(text, "/berth"));
}
