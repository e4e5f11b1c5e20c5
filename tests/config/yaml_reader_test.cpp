#include "config/yaml_reader.hpp"

#include "tests/config/load.hpp"
#include "tests/support/catch.hpp"

using namespace berth;
using namespace berth::test;

namespace {

struct Row {
  std::string text;
  const char* errors;
};

std::string repeat(size_t count, const std::string& text) {
  auto result = std::string{};
  for (size_t i = 0; i < count; ++i)
    result += text;
  return result;
}

/// The first error of a text of rubbish; the rest may be thousands.
std::string first_error(const std::string& text) {
  auto errors = errors_in(text);
  return errors.substr(0, errors.find('\n'));
}

constexpr auto pool_a = "worker: {pools: {a: }}\n";

} // namespace

TEST_CASE("text that is not YAML is an error with its place and a hint", "[config]") {
  auto row = GENERATE(values<Row>({
      {"a: \"b\nc: d\n", "f.yaml:1:4: a quote that is never closed"},
      {"a: 'it''s\n", "f.yaml:1:4: a quote that is never closed"},
      {"a: !!str \"b\nc: d\n", "f.yaml:1:10: a quote that is never closed"},
      {"a: &x \"b\\\"\n", "f.yaml:1:7: a quote that is never closed"},
      {"a: {b: 'c}\n", "f.yaml:1:8: a quote that is never closed"},
      {"worker: {pools: {a: }",
       "f.yaml:1:22: not valid YAML: end of map flow not found (a } is missing)"},
      {"a: [1, 2", "f.yaml:1:9: not valid YAML: end of sequence flow not found (a ] is missing)"},
      {"a: 1\n}", "f.yaml:2:1: not valid YAML: illegal flow end (a ] or } without its opening)"},
      {"a:\n  b: 1\n c: 2\n", "f.yaml:3:2: not valid YAML: end of map not found (this line is "
                              "indented differently from its neighbours, or lacks "
                              "a colon)"},
      {"a:\n  b:1\n  c: 2\n", "f.yaml:3:4: not valid YAML: illegal map value (a second colon in "
                              "this line, or a line above without a colon and a "
                              "space)"},
      {"worker:\n\tpools:\n", "f.yaml:2:7: not valid YAML: illegal map value (a second colon in "
                              "this line, or a line above without a colon and a "
                              "space); line 2 is indented with a tab, YAML takes only spaces"},
      {"a: *b\n", "f.yaml:1:4: not valid YAML: the referenced anchor is not defined (an alias "
                  "needs an anchor of that name above it)"},
      {"a: \"\\q\"", "f.yaml:1:7: not valid YAML: unknown escape character: q"},
      {"%YAML 3.0\n---\na: 1", "f.yaml:1:1: not valid YAML: YAML major version too large"},
      {std::string{"a: 1\0", 5}, "f.yaml:1:5: control character 0x00 is not allowed"},
      {"a: \"\xe4\"", "f.yaml:1:5: byte 0xe4 is not UTF-8"},
      {std::string{"\xff\xfe"
                   "a\0:\0",
                   6},
       "f.yaml:1:1: byte 0xff is not UTF-8"},
      {std::string{pool_a} + "---\n" + pool_a,
       "f.yaml:2:1: a second YAML document starts here; a configuration file holds one"},
      {std::string{pool_a} + "---\n",
       "f.yaml:2:1: a second YAML document starts here; a configuration file holds one"},
      {"{worker: } more",
       "f.yaml:1:12: a second YAML document starts here; a configuration file holds one"},
  }));
  INFO(row.text);
  CHECK(errors_in(row.text) == row.errors);
}

TEST_CASE("keys must be text", "[config]") {
  auto row = GENERATE(values<Row>({
      {"[a, b]: 1\n", "f.yaml:1:1: a key must be text, not a list"},
      {"? {a: 1}\n: 2\n", "f.yaml:1:3: a key must be text, not a map"},
      {": 1\n", "f.yaml:1:1: a key is missing before the colon"},
      {"~: 1\n", "f.yaml:1:1: a key is missing before the colon"},
      {"x: {~: 1}\n", "f.yaml:1:5: x: a key is missing before the colon"},
  }));
  INFO(row.text);
  CHECK(errors_in(row.text + pool_a) == row.errors);
}

TEST_CASE("forms of YAML that are not everyday are read right", "[config]") {
  auto text = GENERATE(
      as<std::string>{}, "\xef\xbb\xbfworker: {pools: {a: {cpu: 2}}}",
      "worker:\r\n  pools:\r\n    a:\r\n      cpu: 2\r\n",
      "%YAML 1.2\n---\nworker: {pools: {a: {cpu: 2}}}\n...\n",
      "\"worker\": {'pools': {? a : {\"cpu\": \"2\"}}}", "worker: {pools: {a: {cpu: !!str 2}}}",
      "worker: {pools: {a: {cpu: !!int 2}}}",
      "worker: !!map\n  pools:\n    a:\n      cpu: |-\n        2\n",
      "worker:\n  pools:\n    a:\n      cpu:\t2\n",
      "worker:\n  pools:\n    a: # c\n      cpu: 2 # c", "worker: {\n\tpools: {a: {cpu: 2}}}");
  INFO(text);
  CHECK(valid(text).pools.at("a").cpu.value.ceiling == 2000);
}

TEST_CASE("anchors, aliases and merge keys work, and values keep their places", "[config]") {
  auto settings = valid("defaults:\n"
                        "  - &base {runtime: gvisor, cpu: 1, memory: &m 1Gi}\n"
                        "  - &more {cpu: 2, pids: 7}\n"
                        "worker:\n"
                        "  pools:\n"
                        "    a: *base\n"
                        "    b: {<<: *base, cpu: 3}\n"
                        "    c: {cpu: 3, <<: [*more, *base]}\n"
                        "    d: {memory: *m}\n");
  CHECK(settings.pools.at("a").cpu.value.ceiling == 1000);
  CHECK(to_string(settings.pools.at("a").cpu.origin) == "f.yaml:2:34");
  CHECK(settings.pools.at("b").runtime.value == RuntimeKind::gvisor);
  CHECK(settings.pools.at("b").cpu.value.ceiling == 3000);
  CHECK(settings.pools.at("c").cpu.value.ceiling == 3000);
  CHECK(settings.pools.at("c").pids.value.ceiling == 7);
  CHECK(settings.pools.at("c").runtime.value == RuntimeKind::gvisor);
  CHECK(settings.pools.at("d").memory.value.ceiling == 1u << 30);
  CHECK(to_string(settings.pools.at("d").memory.origin) == "f.yaml:9:17");
}

TEST_CASE("merge keys that cannot be merged are errors", "[config]") {
  auto row = GENERATE(values<Row>({
      {pool_with("<<: 5"), "f.yaml:4:11: pools.a: << takes a map or a list of maps, such as *name"},
      {pool_with("<<: [{cpu: 1}, x]"),
       "f.yaml:4:22: pools.a: << takes a map or a list of maps, such as *name"},
      {pool_with("<<: {cpu: 1}\n<<: {cpu: 2}"),
       "f.yaml:5:7: pools.a: key \"<<\" is given twice (first in line 4)"},
      {pool_with("'<<': {cpu: 1}"), "f.yaml:4:7: pools.a: unknown key \"<<\""},
      {"worker: &x\n  <<: *x\n",
       "f.yaml:2:7: worker.<<: an alias that stands inside the value it refers to"},
      {"worker: &x {pools: *x}\n",
       "f.yaml:1:20: worker.pools: an alias that stands inside the value it refers to"},
  }));
  INFO(row.text);
  CHECK(errors_in(row.text) == row.errors);
}

TEST_CASE("columns in errors count characters", "[config]") {
  CHECK(errors_in("worker: {pools: {a: {gpuType: \xc3\xa4\xe2\x82\xac, x: 1}}}")
        == "f.yaml:1:35: pools.a: unknown key \"x\"");
}

TEST_CASE("deep nesting is an error and not a crash", "[config]") {
  auto unit = GENERATE(as<std::string>{}, "[", "{a: ", "- ", "? ", "[\n", "{\n", "[{a: ");
  INFO(unit);
  CHECK(first_error(repeat(10'000, unit)).find("nested more than 64 levels deep")
        != std::string::npos);
}

TEST_CASE("nesting up to the limit is fine", "[config]") {
  auto nested = [](size_t depth) {
    return "x: " + repeat(depth, "[") + repeat(depth, "]") + '\n' + pool_a;
  };
  CHECK(errors_in(nested(63)) == "valid");
  CHECK(errors_in(nested(64)) == "f.yaml:1:67: nested more than 64 levels deep");
}

TEST_CASE("a few lines that repeat each other do not grow without end", "[config]") {
  auto lists = std::string{"a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"};
  auto maps = std::string{"a0: &a0 {x: 1}\n"};
  for (auto i = 1; i < 30; ++i) {
    auto name = "a" + std::to_string(i);
    auto before = "*a" + std::to_string(i - 1);
    lists += name + ": &" + name + " [" + repeat(9, before + ", ") + before + "]\n";
    maps += name + ": &" + name + " {p: " + before + ", q: " + before + "}\n";
  }
  auto anchors = std::string{"x: "};
  for (auto i = 0; i < 60; ++i)
    anchors += "&a" + std::to_string(i) + " [";
  anchors += repeat(100'000, "1,") + repeat(60, "]") + "\n";
  auto chain = std::string{"x0: &a0 [1]\n"};
  for (auto i = 1; i < 2000; ++i)
    chain += "x" + std::to_string(i) + ": &a" + std::to_string(i) + " [*a" + std::to_string(i - 1)
             + "]\n";
  auto merges = std::string{"x0: &a0 {k0: 1}\n"};
  for (auto i = 1; i < 2000; ++i)
    merges += "x" + std::to_string(i) + ": &a" + std::to_string(i) + " {<<: *a"
              + std::to_string(i - 1) + ", k" + std::to_string(i) + ": 1}\n";
  for (const auto& bomb : {lists, maps, anchors, chain, merges})
    CHECK(first_error(bomb + pool_a).find("more than 200000 values") != std::string::npos);
}

TEST_CASE("a file of rubbish gives a hundred errors and the number of the rest", "[config]") {
  auto text = std::string{"worker:\n  pools:\n    a:\n"};
  for (auto i = 0; i < 5000; ++i)
    text += "      key" + std::to_string(i) + ": 1\n";
  auto loaded = load_settings({{"f.yaml", text}});
  REQUIRE_FALSE(loaded);
  REQUIRE(loaded.error().size() == 101);
  CHECK(render(loaded.error()[99]) == "f.yaml:103:7: pools.a: unknown key \"key99\"");
  CHECK(render(loaded.error()[100]) == "4900 more errors are not shown");
}

TEST_CASE("a long key does not make its errors long", "[config]") {
  auto key = std::string(100'000, 'k');
  auto errors =
      errors_in("? " + key + "\n: {" + repeat(1000, "a: ,") + "}\n" + pool_with(key + ": 1"));
  CHECK(errors.size() < 20'000);
}

TEST_CASE("a megabyte of anything is answered", "[config]") {
  constexpr size_t size = 1024 * 1024;
  auto unit = GENERATE(as<std::string>{}, "[", "{", "\"", "'", ":", "-", "&", "*", "!", "%", "|",
                       " ", "\t", "#", ",", "?\n", "-\n", ":\n", "a:\n", "[\n", "[,",
                       "\"a\":", "--- ", "x ", "a: |\n", "\n");
  INFO(unit);
  auto text = repeat(size / unit.size(), unit);
  CHECK(errors_in(text) != "valid");
  CHECK(errors_in("worker: {pools: {a: {gpuType: " + text.substr(0, size - 100)) != "valid");
}

TEST_CASE("a pool too many is an error", "[config]") {
  auto pools = [](int count) {
    auto text = std::string{"worker: {pools: {"};
    for (auto i = 0; i < count; ++i)
      text += "p" + std::to_string(i) + ": , ";
    return text + "}}";
  };
  CHECK(errors_in(pools(1000)) == "valid");
  CHECK(errors_in(pools(1001)) == "f.yaml:1:17: worker.pools: more than 1000 pools");
}
