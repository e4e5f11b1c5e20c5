#include "runtimes/linux/host_facts.hpp"

#include "tests/support/catch.hpp"

#include <filesystem>
#include <fstream>
#include <thread>

#include <sys/resource.h>

using namespace berth;

TEST_CASE("the facts about this host are those that the kernel shows elsewhere") {
  auto facts = read_host_facts();
  REQUIRE(facts);
  auto release = std::string{};
  std::getline(std::ifstream{"/proc/sys/kernel/osrelease"}, release);
  CHECK(facts->kernel_release == release);
  CHECK(facts->boot_id.size() == 36);
  CHECK(facts->boot_id == read_host_facts()->boot_id);
  CHECK(facts->cpus == std::thread::hardware_concurrency());
  CHECK(facts->kvm.present == std::filesystem::exists("/dev/kvm"));
}

TEST_CASE("the hard limits are those of this process") {
  auto limit = rlimit{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &limit) == 0);
  auto facts = read_host_facts();
  REQUIRE(facts);
  CHECK(facts->hard_rlimits.at("RLIMIT_NOFILE") == limit.rlim_max);
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &limit) == 0);
  CHECK(facts->hard_rlimits.at("RLIMIT_FSIZE")
        == (limit.rlim_max == RLIM_INFINITY ? no_rlimit : limit.rlim_max));
  CHECK(facts->hard_rlimits.size() == RLIM_NLIMITS);
}

TEST_CASE("the CPU can virtualise if a whole flag says so") {
  struct Row {
    const char* cpuinfo;
    bool wanted;
  };
  auto row = GENERATE(values<Row>({
      {"processor\t: 0\nflags\t\t: fpu vme vmx sse\n\n", true},
      {"flags\t\t: svm fpu\n", true},
      {"flags\t\t: fpu svm", true},
      {"flags\t\t: fpu svm_lock avmx vmxon\n", false},
      {"flags\t\t: fpu\nvmx flags\t: vmx\n", false},
      {"model name\t: vmx svm \nflags\t\t: fpu\n", false},
      {"flags vmx \n", false},
      {"flags:", false},
      {"", false},
  }));
  INFO("cpuinfo: " << row.cpuinfo);
  CHECK(has_virtualization_flag(row.cpuinfo) == row.wanted);
}

TEST_CASE("a host without usable KVM says why") {
  struct Row {
    KvmFacts facts;
    const char* wanted;
  };
  auto row = GENERATE(values<Row>({
      {{false, "", true, false}, "/dev/kvm does not exist"},
      {{true, "Permission denied", true, false}, "/dev/kvm cannot be used: Permission denied"},
      {{true, "", true, true},
       "/dev/kvm is emulated by the module kvm_pvm, in which sandboxes hang"},
      {{true, "", false, false}, "the CPU has neither vmx nor svm (nested virtualisation is off)"},
      {{true, "", true, false}, ""},
  }));
  CHECK(why_no_kvm(row.facts) == row.wanted);
}
