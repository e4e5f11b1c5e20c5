#pragma once

#include "runtimes/linux/cgroup.hpp"
#include "runtimes/linux/file.hpp"
#include "runtimes/linux/process.hpp"

#include "tests/support/catch.hpp"

#include <filesystem>
#include <memory>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

namespace berth::test {

/// A tree of cgroups of this test alone, gone when the test ends. Plays the runtime's part, too: makes the groups that a
/// container would have, and starts a program that enters them.
class CgroupWorld {
public:
  CgroupWorld() {
    auto host = detect_cgroup_host();
    REQUIRE(host);
    auto opened = CgroupRoot::open(std::move(*host), "/berth-test-" + std::to_string(::getpid()));
    REQUIRE(opened);
    root_ = std::make_unique<CgroupRoot>(std::move(*opened));
    REQUIRE(root_->prepare_pool(pool));
  }

  CgroupWorld(const CgroupWorld&) = delete;
  CgroupWorld& operator=(const CgroupWorld&) = delete;

  ~CgroupWorld() {
    for (auto& group : made_)
      remove(group);
    root_->remove_all();
  }

  const CgroupRoot& root() const {
    return *root_;
  }

  bool is_v2() const {
    return root_->host().version == CgroupVersion::v2;
  }

  /// All the groups of a container that may use `limit` bytes of memory.
  ContainerCgroups make(const std::string& id, uint64_t limit = 16 << 20) {
    auto groups = root_->container(pool, id);
    made_.push_back(groups);
    REQUIRE(root_->prepare_container(groups));
    for (auto& hierarchy : root_->host().hierarchies)
      std::filesystem::create_directories(hierarchy + groups.oci_path);
    auto& memory = groups.memory_limits;
    auto bytes = std::to_string(limit);
    REQUIRE(write_file(memory + (is_v2() ? "/memory.max" : "/memory.limit_in_bytes"), bytes));
    if (root_->has_swap_limit() && is_v2())
      REQUIRE(write_file(memory + "/memory.swap.max", "0"));
    else if (root_->has_swap_limit())
      REQUIRE(write_file(memory + "/memory.memsw.limit_in_bytes", bytes));
    return groups;
  }

  /// As a runtime's `delete`, and what is ours after it.
  void remove(const ContainerCgroups& groups) {
    for (auto& hierarchy : root_->host().hierarchies)
      CHECK(remove_group(hierarchy + groups.oci_path));
    if (!groups.parent.empty())
      CHECK(remove_group(groups.parent));
  }

  const PoolName pool{"pool"};

private:
  std::unique_ptr<CgroupRoot> root_;
  std::vector<ContainerCgroups> made_;
};

/// A program in a container's memory group (tests/fakes/eat_memory.cpp).
class Eater {
public:
  Eater(const ContainerCgroups& groups, const std::string& mode, const std::string& clock = {}) {
    auto argv = Argv{std::string{BERTH_BIN_DIR} + "/eat_memory",
                     groups.memory_limits + "/cgroup.procs", mode};
    if (!clock.empty())
      argv.push_back(clock);
    int in[2];
    int out[2];
    REQUIRE(::pipe2(in, O_CLOEXEC) == 0);
    REQUIRE(::pipe2(out, O_CLOEXEC) == 0);
    auto theirs = std::pair{UniqueFd{in[0]}, UniqueFd{out[1]}};
    input_ = UniqueFd{in[1]};
    output_ = UniqueFd{out[0]};
    auto options = SpawnOptions{};
    options.stdin_fd = in[0];
    options.stdout_fd = out[1];
    auto child = Child::spawn(argv, options);
    REQUIRE(child);
    child_ = std::make_unique<Child>(std::move(*child));
  }

  Child& child() {
    return *child_;
  }

  /// Waits for a line of its output.
  std::string line() {
    auto result = std::string{};
    for (;;) {
      auto watched = pollfd{output_.get(), POLLIN, 0};
      char c = 0;
      if (::poll(&watched, 1, 20'000) != 1 || ::read(output_.get(), &c, 1) != 1 || c == '\n')
        return result;
      result += c;
    }
  }

  /// Lets a program end that waits for it.
  void end_input() {
    input_ = UniqueFd{};
  }

private:
  UniqueFd input_;
  UniqueFd output_;
  std::unique_ptr<Child> child_;
};

} // namespace berth::test
