#include "tests/conformance/suite.hpp"

#include <filesystem>

using namespace berth;
using namespace berth::test;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

std::string all_bytes() {
  auto result = std::string{};
  for (auto i = 0; i < 256; ++i)
    result += static_cast<char>(i);
  return result;
}

/// What `inside burst` writes.
std::string burst_of(size_t bytes) {
  auto result = std::string{};
  while (result.size() < bytes)
    result += "012345678901234567890123456789012345678901234567890123456789012\n";
  result.resize(bytes);
  return result;
}

bool same(const std::string& got, const std::string& wanted) {
  if (got == wanted)
    return true;
  auto at = std::mismatch(got.begin(), got.end(), wanted.begin(), wanted.end()).first - got.begin();
  UNSCOPED_INFO("got " << got.size() << " bytes, wanted " << wanted.size() << ", the first difference is at " << at);
  return false;
}

std::vector<Json> log_lines(const TestNode& node, const Argv& args) {
  auto result = std::vector<Json>{};
  for (auto& line : lines_of(node.berth(args).out))
    result.push_back(Json::parse(line));
  return result;
}

} // namespace

TEST_CASE("stdout and stderr arrive apart", "[output]") {
  BERTH_SUITE_NODE(node);
  auto done = node.run("main", {"--id", "both"}, shell("echo to stdout; echo to stderr >&2; printf 'no end'"));
  CHECK(done.code == 0);
  CHECK(done.out == "to stdout\nno end");
  CHECK(done.err == "to stderr\n");
  auto logged = node.berth({"logs", "both"});
  CHECK(logged.out == "to stdout\nno end");
  CHECK(logged.err == "to stderr\n");
}

TEST_CASE("output may be any bytes and need not end with a newline", "[output]") {
  BERTH_SUITE_NODE(node);
  auto done = node.run("main", {"--id", "bytes"}, {inside(), "bytes"});
  CHECK(done.code == 0);
  CHECK(same(done.out, all_bytes()));
  CHECK(same(node.berth({"logs", "bytes"}).out, all_bytes()));
  CHECK(node.run("main", {"--rm"}, {"/bin/true"}).out == "");
}

TEST_CASE("a burst of output arrives complete", "[output]") {
  BERTH_SUITE_NODE(node);
  constexpr size_t size = 1024 * 1024;
  auto done = node.run("main", {"--id", "burst"}, {inside(), "burst", std::to_string(size)});
  CHECK(done.code == 0);
  CHECK(same(done.out, burst_of(size)));
  CHECK(same(node.berth({"logs", "burst"}).out, burst_of(size)));
}

TEST_CASE("a line of any length arrives in one piece", "[output]") {
  BERTH_SUITE_NODE(node);
  auto script = "head -c 300000 /dev/zero | tr '\\0' x; echo; echo end";
  auto done = node.run("main", {"--id", "long"}, shell(script));
  auto wanted = std::string(300'000, 'x') + "\nend\n";
  CHECK(same(done.out, wanted));
  CHECK(same(node.berth({"logs", "long"}).out, wanted));
}

TEST_CASE("the log on disk has the CRI form", "[output]") {
  BERTH_SUITE_NODE(node);
  CHECK(node.run("main", {"--id", "cri"}, shell("echo one; echo two >&2; printf three")).code == 0);
  auto path = node.inspect("cri")["logPath"].get<std::string>();
  auto lines = lines_of(text_of(path));
  REQUIRE(lines.size() == 3);
  std::sort(lines.begin(), lines.end(), [](auto& a, auto& b) { return a.substr(a.find(' ')) > b.substr(b.find(' ')); });
  CHECK(lines[0].ends_with("Z stdout P three"));
  CHECK(lines[1].ends_with("Z stdout F one"));
  CHECK(lines[2].ends_with("Z stderr F two"));
}

TEST_CASE("logs can be followed until the container ends", "[output]") {
  BERTH_SUITE_NODE(node);
  auto script = "i=0; while [ $i -lt 20 ]; do echo line $i; i=$((i+1)); sleep 0.02; done; echo the end >&2";
  auto id = node.start("main", {}, shell(script));
  auto followers = std::vector<std::unique_ptr<Background>>{};
  for (auto i = 0; i < 3; ++i)
    followers.push_back(node.berth_beside({"logs", "-f", id}));
  auto wanted = std::string{};
  for (auto i = 0; i < 20; ++i)
    wanted += "line " + std::to_string(i) + "\n";
  for (auto& follower : followers) {
    auto done = follower->finish();
    CHECK(done.code == 0);
    CHECK(done.out == wanted);
    CHECK(done.err == "the end\n");
  }
  CHECK(node.berth({"logs", "-f", id}).out == wanted); // of a container that has ended
}

TEST_CASE("a follower sees a line when it is written and not at the end", "[output]") {
  BERTH_SUITE_NODE(node);
  auto id = node.start("main", {}, shell("echo early; sleep 1000"));
  auto follower = node.berth_beside({"logs", "-f", id});
  CHECK(eventually(10s, [&] { return follower->out() == "early\n"; }));
  auto attached = node.berth_beside(TestNode::run_arguments("main", {}, shell("echo early; sleep 1000")));
  CHECK(eventually(10s, [&] { return attached->out() == "early\n"; }));
}

TEST_CASE("logs can begin at a time or with the last lines", "[output]") {
  BERTH_SUITE_NODE(node);
  CHECK(node.run("main", {"--id", "timed"}, shell("for i in one two three; do echo $i; sleep 0.05; done")).code == 0);
  auto lines = log_lines(node, {"logs", "timed", "-o", "json"});
  REQUIRE(lines.size() == 3);
  CHECK(lines[1]["data"] == "two");
  CHECK(lines[1]["stream"] == "stdout");
  auto time_of_two = lines[1]["time"].get<std::string>();
  CHECK(lines[0]["time"] < time_of_two);
  CHECK(node.berth({"logs", "--since", time_of_two, "timed"}).out == "two\nthree\n");
  CHECK(node.berth({"logs", "--since", "1h", "timed"}).out == "one\ntwo\nthree\n");
  CHECK(node.berth({"logs", "--since", "2999-01-01T00:00:00Z", "timed"}).out == "");
  CHECK(node.berth({"logs", "--tail", "2", "timed"}).out == "two\nthree\n");
  CHECK(node.berth({"logs", "--tail", "0", "timed"}).out == "");
  CHECK(node.berth({"logs", "--tail", "99", "timed"}).out == "one\ntwo\nthree\n");
  CHECK(node.berth({"logs", "-t", "--tail", "1", "timed"}).out.find("Z three\n") != std::string::npos);
  CHECK(node.berth({"logs", "--since", "yesterday", "timed"}).code == 1);
  CHECK(node.berth({"logs", "no-such"}).code == 1);
}

TEST_CASE("logs are rotated by size, and the newest part is kept", "[output]") {
  if (auto reason = why_not(); !reason.empty())
    BERTH_SKIP(reason);
  constexpr size_t max_size = 64 * 1024;
  constexpr size_t max_files = 3;
  auto node = TestNode{suite_config("\n    main: {}\n", "  logs: {maxSize: 64Ki, maxFiles: 3}\n")};
  auto count = 20'000;
  auto script = "/bin/inside lines " + std::to_string(count) + " 2>&1";
  CHECK(node.run("main", {"-d", "--id", "noisy"}, shell(script)).code == 0);
  CHECK(node.berth({"wait", "noisy"}).out == "0\n");
  auto directory = fs::path{node.inspect("noisy")["logPath"].get<std::string>()}.parent_path();
  auto files = size_t{0};
  for (auto& file : fs::directory_iterator{directory}) {
    ++files;
    INFO(file.path().string());
    // One line may stand over the limit.
    CHECK(file.file_size() < max_size + 200);
  }
  CHECK(files == max_files);
  auto lines = lines_of(node.berth({"logs", "noisy"}).out);
  // What is left is one piece, up to the end. On disk a line has some 45 bytes.
  CHECK(lines.size() > (max_files - 1) * max_size / 50);
  auto number = count - static_cast<int>(lines.size());
  for (auto& line : lines)
    if (line != "line " + std::to_string(number++))
      FAIL("\"" << line << "\" where line " << number - 1 << " was due");
  // More than the newest file has.
  CHECK(lines_of(node.berth({"logs", "--tail", "2500", "noisy"}).out).size() == 2500);
}

TEST_CASE("a follower that is slower than the rotation is told what it missed, or misses nothing", "[output]") {
  if (auto reason = why_not(); !reason.empty())
    BERTH_SKIP(reason);
  auto node = TestNode{suite_config("\n    main: {}\n", "  logs: {maxSize: 64Ki, maxFiles: 2}\n")};
  auto done = node.run("main", {"--rm"}, {inside(), "burst", "4194304"});
  CHECK(done.code == 0);
  INFO(done.err.substr(0, 500));
  if (done.out.size() < 4'194'304)
    CHECK(done.err.find("missed") != std::string::npos);
  else
    CHECK(same(done.out, burst_of(4'194'304)));
  // The end is never among what is missed.
  CHECK(done.out.ends_with("0123456789012\n"));
}
