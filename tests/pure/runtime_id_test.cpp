#include "runtimes/runtime_id.hpp"

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
