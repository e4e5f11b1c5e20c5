#include "runtimes/oci_user.hpp"

#include "tests/support/catch.hpp"

using namespace berth;

namespace {

const auto passwd = std::string_view{"root:x:0:0:root:/root:/bin/sh\n"
                                     "# a comment\n"
                                     "broken\n"
                                     "half:x:7\n"
                                     "odd:x:minus:1::/:/bin/sh\n"
                                     "app:x:1000:1001:App:/home/app:/bin/sh\n"
                                     "app:x:2000:2000:a second one:/:/bin/sh\n"
                                     "123:x:456:456::/:/bin/sh\n"
                                     "last:x:3000:3000::/:/bin/sh"};

const auto group = std::string_view{"root:x:0:\n"
                                    "wheel:x:10:bob,app\n"
                                    "audio:x:29:app\n"
                                    "audio2:x:29:app\n"
                                    "app:x:1001:app\n"
                                    "apple:x:77:applet,xapp\n"
                                    "broken\n"
                                    "odd:x:many:app\n"
                                    "staff:x:50:"};

} // namespace

TEST_CASE("users and groups are found by name and by number") {
  struct Row {
    const char* user;
    ContainerUser resolved;
  };
  auto row = GENERATE(values<Row>({
    {"", {0, 0, {}}},
    {"0", {0, 0, {}}},
    {"root", {0, 0, {}}},
    {"0:0", {0, 0, {}}},
    {"app", {1000, 1001, {10, 29}}},
    {"1000", {1000, 1001, {10, 29}}},
    {"01000", {1000, 1001, {10, 29}}},
    {"app:50", {1000, 50, {}}},
    {"app:staff", {1000, 50, {}}},
    {"app:wheel", {1000, 10, {}}},
    {"1000:staff", {1000, 50, {}}},
    {"4242", {4242, 0, {}}},
    {"4242:4343", {4242, 4343, {}}},
    {"4242:staff", {4242, 50, {}}},
    {"2147483647:2147483647", {2147483647, 2147483647, {}}},
    {"last", {3000, 3000, {}}},
    {"123", {123, 0, {}}},
  }));
  CAPTURE(row.user);
  auto user = resolve_user(row.user, passwd, group);
  REQUIRE(user);
  CHECK((*user == row.resolved));
}

TEST_CASE("users that do not exist are refused") {
  struct Row {
    std::string user;
    const char* reason;
  };
  auto row = GENERATE(values<Row>({
    {"nobody", "/etc/passwd has no user \"nobody\""},
    {"half", "has no user"},
    {"odd", "has no user"},
    {"# a comment", "has no user"},
    {"app:nogroup", "/etc/group has no group \"nogroup\""},
    {"app:odd", "has no group"},
    {":", "not of the form"},
    {":50", "not of the form"},
    {"app:", "not of the form"},
    {"app:staff:more", "has no group \"staff:more\""},
    {"-1", "has no user"},
    {"+1", "has no user"},
    {"1.5", "has no user"},
    {" 1", "has no user"},
    {"2147483648", "too large"},
    {"99999999999999999999", "too large"},
    {"0:2147483648", "too large"},
    {"a\nb", "has no user \"a\\nb\""},
  }));
  CAPTURE(row.user);
  auto user = resolve_user(row.user, passwd, group);
  REQUIRE_FALSE(user);
  CHECK(user.error().code == ec::bad_request);
  CHECK(user.error().reason.find(row.reason) != std::string::npos);
  CHECK_FALSE(user.error().next.empty());
}

TEST_CASE("a root file system without user files knows numbers only") {
  CHECK((*resolve_user("1000", "", "") == ContainerUser{1000, 0, {}}));
  CHECK_FALSE(resolve_user("root", "", ""));
}

TEST_CASE("user files are read only where they matter") {
  CHECK_FALSE(needs_user_files(""));
  CHECK_FALSE(needs_user_files("0:0"));
  CHECK_FALSE(needs_user_files("1000:50"));
  CHECK(needs_user_files("1000"));
  CHECK(needs_user_files("app"));
  CHECK(needs_user_files("app:50"));
  CHECK(needs_user_files("1000:staff"));
  CHECK(needs_user_files(":"));
}

TEST_CASE("user files full of nonsense do no harm") {
  auto nonsense = GENERATE(as<std::string>{}, ":", "\n\n\n", "::::::", std::string(100000, ':'),
                           std::string(100000, '\n'), std::string(100000, 'a'), "root:x:0:0",
                           std::string("\0:\0:\0:\0\n", 8));
  auto user = resolve_user("nobody", nonsense, nonsense);
  CHECK_FALSE(user);
  CHECK(resolve_user("5", nonsense, nonsense));
}
