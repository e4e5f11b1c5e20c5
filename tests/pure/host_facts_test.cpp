#include "runtimes/linux/host_facts.hpp"

#include "tests/support/catch.hpp"

using namespace berth;

TEST_CASE("hardware virtualization is read from the processor's flags", "[runtimes]") {
  CHECK(has_virtualization_flag("processor\t: 0\nflags\t\t: fpu vmx sse\nbugs\t:\n"));
  CHECK(has_virtualization_flag("processor\t: 0\nflags\t\t: fpu svm"));
  CHECK(!has_virtualization_flag("processor\t: 0\nflags\t\t: fpu vmx_x notsvm svmx\n"));
  CHECK(!has_virtualization_flag("processor\t: 0\nFeatures\t: fp asimd\n"));
  CHECK(!has_virtualization_flag(""));
  CHECK(!has_virtualization_flag("\nflags"));
}

TEST_CASE("what speaks against KVM is named, the first reason first", "[runtimes]") {
  auto facts = KvmFacts{true, true, true, true, false};
  CHECK(describe_kvm_problem(facts).empty());
  facts.has_cpu_flag = false;
  CHECK(describe_kvm_problem(facts) == "the processor shows neither vmx nor svm");
  facts.is_x86 = false;
  CHECK(describe_kvm_problem(facts).empty());
  facts.is_pvm = true;
  CHECK(describe_kvm_problem(facts) == "/dev/kvm belongs to kvm_pvm, which has no hardware virtualization");
  facts.can_open = false;
  CHECK(describe_kvm_problem(facts) == "/dev/kvm cannot be opened");
  facts.has_device = false;
  CHECK(describe_kvm_problem(facts) == "/dev/kvm does not exist");
}

TEST_CASE("this host has facts", "[runtimes]") {
  auto facts = read_host_facts();
  REQUIRE(facts);
  CHECK(facts->cpus >= 1);
  CHECK(facts->boot_id.size() == 36);
  CHECK(!facts->kernel.empty());
}
