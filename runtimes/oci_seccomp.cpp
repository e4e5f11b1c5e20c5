#include "runtimes/oci_seccomp.hpp"

namespace berth {

namespace {

// Numbers of Linux that are the same on every architecture that Berth builds for.
constexpr int not_permitted = 1;             // EPERM
constexpr int family_not_supported = 97;     // EAFNOSUPPORT
constexpr uint64_t new_user_namespace = 0x10000000;
/// CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET.
constexpr uint64_t new_namespaces = 0x7e020000;
constexpr uint64_t families[] = {1, 2, 10, 16}; // AF_UNIX, AF_INET, AF_INET6, AF_NETLINK
constexpr uint64_t last_family = 16;
/// PER_LINUX, and the question for the present value. Others switch off address randomization.
constexpr uint64_t personalities[] = {0, 0xffffffff};

std::vector<SeccompRule> make_rules() {
  auto result = std::vector<SeccompRule>{};
  result.push_back({
    {
      "accept", "accept4", "access", "adjtimex", "alarm", "arch_prctl", "bind", "brk", "cachestat",
      "capget", "capset", "chdir", "chmod", "chown", "chroot", "clock_adjtime", "clock_getres",
      "clock_gettime", "clock_nanosleep", "close", "close_range", "connect", "copy_file_range",
      "creat", "dup", "dup2", "dup3", "epoll_create", "epoll_create1", "epoll_ctl", "epoll_pwait",
      "epoll_pwait2", "epoll_wait", "eventfd", "eventfd2", "execve", "execveat", "exit",
      "exit_group", "faccessat", "faccessat2", "fadvise64", "fallocate", "fchdir", "fchmod",
      "fchmodat", "fchmodat2", "fchown", "fchownat", "fcntl", "fdatasync", "fgetxattr",
      "flistxattr", "flock", "fork", "fremovexattr", "fsetxattr", "fstat", "fstatfs", "fsync",
      "ftruncate", "futex", "futex_requeue", "futex_wait", "futex_waitv", "futex_wake", "futimesat",
      "get_robust_list", "getcpu", "getcwd", "getdents", "getdents64", "getegid", "geteuid",
      "getgid", "getgroups", "getitimer", "getpeername", "getpgid", "getpgrp", "getpid", "getppid",
      "getpriority", "getrandom", "getresgid", "getresuid", "getrlimit", "getrusage", "getsid",
      "getsockname", "getsockopt", "gettid", "gettimeofday", "getuid", "getxattr", "getxattrat",
      "inotify_add_watch", "inotify_init", "inotify_init1", "inotify_rm_watch", "io_cancel",
      "io_destroy", "io_getevents", "io_pgetevents", "io_setup", "io_submit", "ioctl", "ioprio_get",
      "ioprio_set", "kill", "landlock_add_rule", "landlock_create_ruleset",
      "landlock_restrict_self", "lchown", "lgetxattr", "link", "linkat", "listen", "listxattr",
      "listxattrat", "llistxattr", "lremovexattr", "lseek", "lsetxattr", "lstat", "madvise",
      "map_shadow_stack", "membarrier", "memfd_create", "memfd_secret", "mincore", "mkdir",
      "mkdirat", "mknod", "mknodat", "mlock", "mlock2", "mlockall", "mmap", "modify_ldt",
      "mprotect", "mq_getsetattr", "mq_notify", "mq_open", "mq_timedreceive", "mq_timedsend",
      "mq_unlink", "mremap", "mseal", "msgctl", "msgget", "msgrcv", "msgsnd", "msync", "munlock",
      "munlockall", "munmap", "nanosleep", "newfstatat", "open", "openat", "openat2", "pause",
      "pidfd_open", "pidfd_send_signal", "pipe", "pipe2", "pkey_alloc", "pkey_free",
      "pkey_mprotect", "poll", "ppoll", "prctl", "pread64", "preadv", "preadv2", "prlimit64",
      "process_mrelease", "process_vm_readv", "process_vm_writev", "pselect6", "ptrace", "pwrite64",
      "pwritev", "pwritev2", "read", "readahead", "readlink", "readlinkat", "readv", "recvfrom",
      "recvmmsg", "recvmsg", "remap_file_pages", "removexattr", "removexattrat", "rename",
      "renameat", "renameat2", "restart_syscall", "rmdir", "rseq", "rt_sigaction", "rt_sigpending",
      "rt_sigprocmask", "rt_sigqueueinfo", "rt_sigreturn", "rt_sigsuspend", "rt_sigtimedwait",
      "rt_tgsigqueueinfo", "sched_get_priority_max", "sched_get_priority_min", "sched_getaffinity",
      "sched_getattr", "sched_getparam", "sched_getscheduler", "sched_rr_get_interval",
      "sched_setaffinity", "sched_setattr", "sched_setparam", "sched_setscheduler", "sched_yield",
      "seccomp", "select", "semctl", "semget", "semop", "semtimedop", "sendfile", "sendmmsg",
      "sendmsg", "sendto", "set_robust_list", "set_tid_address", "setfsgid", "setfsuid", "setgid",
      "setgroups", "setitimer", "setpgid", "setpriority", "setregid", "setresgid", "setresuid",
      "setreuid", "setrlimit", "setsid", "setsockopt", "setuid", "setxattr", "setxattrat", "shmat",
      "shmctl", "shmdt", "shmget", "shutdown", "sigaltstack", "signalfd", "signalfd4", "socketpair",
      "splice", "stat", "statfs", "statx", "symlink", "symlinkat", "sync", "sync_file_range",
      "syncfs", "sysinfo", "tee", "tgkill", "time", "timer_create", "timer_delete",
      "timer_getoverrun", "timer_gettime", "timer_settime", "timerfd_create", "timerfd_gettime",
      "timerfd_settime", "times", "tkill", "truncate", "umask", "uname", "unlink", "unlinkat",
      "utime", "utimensat", "utimes", "vfork", "vmsplice", "wait4", "waitid", "write", "writev",
    },
    {},
    {},
  });
  // Tools that ask for these print what they get: that they may not do it, and not that the kernel
  // cannot.
  result.push_back({
    {
      "acct", "add_key", "bpf", "clock_settime", "delete_module", "finit_module", "get_mempolicy",
      "init_module", "ioperm", "iopl", "keyctl", "mbind", "mount", "move_pages",
      "open_by_handle_at", "perf_event_open", "pivot_root", "quotactl", "reboot", "request_key",
      "set_mempolicy", "setdomainname", "sethostname", "setns", "settimeofday", "swapoff", "swapon",
      "syslog", "umount2", "unshare",
    },
    not_permitted,
    {},
  });
  using Is = SyscallArgument::Compare;
  // The flags of clone3 are in memory, where no filter can see them, so it is not allowed at all. C
  // libraries fall back to clone.
  result.push_back({{"clone"}, {}, SyscallArgument{0, Is::masked_equal, new_namespaces, 0}});
  result.push_back({{"clone"},
                    not_permitted,
                    SyscallArgument{0, Is::masked_equal, new_user_namespace, new_user_namespace}});
  for (auto family : families)
    result.push_back({{"socket"}, {}, SyscallArgument{0, Is::equal, family}});
  result.push_back(
    {{"socket"}, family_not_supported, SyscallArgument{0, Is::greater, last_family}});
  for (auto personality : personalities)
    result.push_back({{"personality"}, {}, SyscallArgument{0, Is::equal, personality}});
  return result;
}

} // namespace

const std::vector<SeccompRule>& seccomp_rules() {
  static const auto rules = make_rules();
  return rules;
}

} // namespace berth
