#include "runtimes/cgroup_host.hpp"

#include "tests/support/catch.hpp"

using namespace berth;

namespace {

constexpr auto proc_cgroups = "#subsys_name\thierarchy\tnum_cgroups\tenabled\n"
                              "cpuset\t3\t2\t1\ncpu\t1\t2\t1\ncpuacct\t2\t2\t1\nmemory\t4\t12\t1\n"
                              "pids\t8\t2\t1\nhugetlb\t0\t2\t1\n";

constexpr auto pure_v1 =
    "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755\n"
    "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
    "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,xattr,memory\n"
    "39 31 0:36 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n"
    "40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd\n";

constexpr auto hybrid_v2 = "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";

constexpr auto pure_v2 = "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate\n";

std::string why_not(const std::string& mountinfo, const char* v2_controllers) {
  auto host = describe_cgroup_host(mountinfo, proc_cgroups, v2_controllers);
  return host ? "no error" : render(host.error());
}

} // namespace

TEST_CASE("a host with cgroup v1 has a hierarchy for each set of controllers") {
  auto host = describe_cgroup_host(pure_v1, proc_cgroups, "");
  REQUIRE(host);
  CHECK(host->version == CgroupVersion::v1);
  CHECK(host->hierarchies
        == std::vector<std::string>{"/sys/fs/cgroup/cpu,cpuacct", "/sys/fs/cgroup/memory",
                                    "/sys/fs/cgroup/pids", "/sys/fs/cgroup/systemd"});
  CHECK(host->controllers
        == std::map<std::string, std::string>{{"cpu", "/sys/fs/cgroup/cpu,cpuacct"},
                                              {"cpuacct", "/sys/fs/cgroup/cpu,cpuacct"},
                                              {"memory", "/sys/fs/cgroup/memory"},
                                              {"pids", "/sys/fs/cgroup/pids"}});
}

TEST_CASE("a hybrid host counts as v1 when v1 has the memory controller") {
  auto host = describe_cgroup_host(std::string{pure_v1} + hybrid_v2, proc_cgroups, "hugetlb\n");
  REQUIRE(host);
  CHECK(host->version == CgroupVersion::v1);
  CHECK(host->hierarchies.size() == 5);
  CHECK(host->hierarchies.back() == "/sys/fs/cgroup/unified");
  CHECK(host->controllers.count("hugetlb") == 0);
}

TEST_CASE("a host with cgroup v2 has one hierarchy with the controllers that it offers") {
  auto host = describe_cgroup_host(pure_v2, proc_cgroups, "cpuset cpu io memory pids\n");
  REQUIRE(host);
  CHECK(host->version == CgroupVersion::v2);
  CHECK(host->hierarchies == std::vector<std::string>{"/sys/fs/cgroup"});
  CHECK(host->controllers.size() == 5);
  CHECK(host->controllers.at("memory") == "/sys/fs/cgroup");
  CHECK(host->controllers.count("hugetlb") == 0);
}

TEST_CASE("cgroup v2 needs no table of controllers in /proc") {
  auto host = describe_cgroup_host(pure_v2, "", "memory");
  REQUIRE(host);
  CHECK(host->version == CgroupVersion::v2);
}

TEST_CASE("of several mounts of a hierarchy the one that shows all of it is taken") {
  auto mounts = "60 31 0:32 /some/group /part rw - cgroup cgroup rw,memory\n" + std::string{pure_v1}
                + "90 1 0:32 / /again rw - cgroup cgroup rw,memory\n";
  auto host = describe_cgroup_host(mounts, proc_cgroups, "");
  REQUIRE(host);
  CHECK(host->controllers.at("memory") == "/sys/fs/cgroup/memory");
  CHECK(host->hierarchies.size() == 4);
}

TEST_CASE("a part of a hierarchy is taken where nothing else is shown") {
  auto host = describe_cgroup_host("30 23 0:26 /docker/abc /sys/fs/cgroup rw - cgroup2 c rw\n",
                                   proc_cgroups, "memory pids");
  REQUIRE(host);
  CHECK(host->version == CgroupVersion::v2);
}

TEST_CASE("a host without usable cgroups is told what to do about it") {
  CHECK(why_not("", "")
        == "system_error: cgroups of this host: no cgroup file system is mounted "
           "(mount -t cgroup2 cgroup2 /sys/fs/cgroup)");
  CHECK(why_not(pure_v2, "cpu pids")
        == "system_error: cgroups of this host: the memory controller is not available (start the "
           "kernel with "
           "cgroup_enable=memory, and without cgroup_disable=memory)");
  CHECK(why_not(hybrid_v2, "memory")
        == "system_error: cgroups of this host: the memory controller belongs to cgroup v2, which "
           "is mounted at "
           "/sys/fs/cgroup/unified (mount cgroup2 at /sys/fs/cgroup, where the runtimes look for "
           "it)");
  CHECK(
      why_not("30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,memory_localevents\n", "memory")
      == "system_error: cgroups of this host: mounted with memory_localevents, which hides OOM "
         "kills "
         "(mount -o remount,rw /sys/fs/cgroup)");
}

TEST_CASE("on v1 the runtime owns the container's groups and may leave one in each hierarchy") {
  auto host = describe_cgroup_host(std::string{pure_v1} + hybrid_v2, proc_cgroups, "");
  REQUIRE(host);
  auto groups = container_cgroups(*host, "/berth", {"web"}, "0123");
  CHECK(groups.oci_path == "/berth/web/0123");
  CHECK(groups.parent.empty());
  CHECK(groups.memory == "/sys/fs/cgroup/memory/berth/web/0123");
  CHECK(groups.memory_limits == groups.memory);
  CHECK(groups.cpu_usage == "/sys/fs/cgroup/cpu,cpuacct/berth/web/0123");
  CHECK(groups.cpu_limits == groups.cpu_usage);
  CHECK(groups.pids == "/sys/fs/cgroup/pids/berth/web/0123");
  CHECK(groups.leftovers
        == std::vector<std::string>{
            "/sys/fs/cgroup/cpu,cpuacct/berth/web/0123", "/sys/fs/cgroup/memory/berth/web/0123",
            "/sys/fs/cgroup/pids/berth/web/0123", "/sys/fs/cgroup/systemd/berth/web/0123",
            "/sys/fs/cgroup/unified/berth/web/0123"});
}

TEST_CASE("on v2 the container has a group of ours with the runtime's in it") {
  auto host = describe_cgroup_host(pure_v2, proc_cgroups, "cpuset cpu io memory pids");
  REQUIRE(host);
  auto groups = container_cgroups(*host, "/berth", {"web"}, "0123");
  CHECK(groups.oci_path == "/berth/web/0123/run");
  CHECK(groups.parent == "/sys/fs/cgroup/berth/web/0123");
  CHECK(groups.memory == groups.parent);
  CHECK(groups.memory_limits == groups.parent + "/run");
  CHECK(groups.cpu_usage == groups.parent);
  CHECK(groups.cpu_limits == groups.parent + "/run");
  CHECK(groups.pids == groups.parent);
  CHECK(groups.leftovers.empty());
}

TEST_CASE("a container has no group in the hierarchy of a controller that the host lacks") {
  auto host = describe_cgroup_host("35 31 0:32 / /cg/memory rw - cgroup cgroup rw,memory\n",
                                   proc_cgroups, "");
  REQUIRE(host);
  auto groups = container_cgroups(*host, "/berth", {"web"}, "0123");
  CHECK(groups.cpu_usage.empty());
  CHECK(groups.cpu_limits.empty());
  CHECK(groups.pids.empty());
  CHECK(groups.leftovers == std::vector<std::string>{"/cg/memory/berth/web/0123"});
}
