// Stands for a container that runs into its memory limit. It joins a cgroup and then
//
//     eat_memory CGROUP.PROCS self  [CLOCK]    takes memory until the kernel kills it
//     eat_memory CGROUP.PROCS child [CLOCK]    lets a child do that, prints "child killed", and ends when its stdin does
//     eat_memory CGROUP.PROCS last  [CLOCK]    lets a child do that and ends at once, with exit code 5
//     eat_memory CGROUP.PROCS wait             prints "joined", takes a little CPU time, and ends when its stdin does
//
// CLOCK is a file of 8 bytes that always holds the time (CLOCK_MONOTONIC, ns) of the last touch of a fresh page.

#include <cstdint>
#include <cstdio>
#include <cstring>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

namespace {

volatile int64_t no_clock;
volatile int64_t* last_touch = &no_clock;

int64_t now() {
  auto t = timespec{};
  ::clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1'000'000'000ll + t.tv_nsec;
}

void open_clock(const char* path) {
  auto fd = ::open(path, O_RDWR | O_CLOEXEC);
  auto memory = ::mmap(nullptr, sizeof(int64_t), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (memory != MAP_FAILED)
    last_touch = static_cast<volatile int64_t*>(memory);
}

bool join(const char* procs) {
  auto fd = ::open(procs, O_WRONLY | O_CLOEXEC);
  return fd >= 0 && ::write(fd, "0", 1) == 1;
}

[[noreturn]] void eat() {
  constexpr auto size = size_t{1} << 30;
  constexpr auto page = size_t{4096};
  auto memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED)
    ::_exit(3);
  for (auto offset = size_t{0}; offset < size; offset += page) {
    *last_touch = now();
    static_cast<volatile char*>(memory)[offset] = 1;
  }
  ::_exit(4);
}

bool child_gets_killed() {
  auto child = ::fork();
  if (child == 0)
    eat();
  auto status = 0;
  return ::waitpid(child, &status, 0) == child && WIFSIGNALED(status);
}

void wait_for_end_of_input() {
  char c;
  while (::read(STDIN_FILENO, &c, 1) > 0) {
    // nop
  }
}

} // namespace

int main(int argc, char** argv) {
  if (argc < 3)
    return 2;
  if (argc > 3)
    open_clock(argv[3]);
  if (!join(argv[1]))
    return 2;
  if (std::strcmp(argv[2], "self") == 0)
    eat();
  if (std::strcmp(argv[2], "last") == 0)
    return child_gets_killed() ? 5 : 6;
  if (std::strcmp(argv[2], "child") == 0) {
    std::puts(child_gets_killed() ? "child killed" : "child lives");
  } else {
    for (auto end = now() + 20'000'000; now() < end;) {
      // nop
    }
    std::puts("joined");
  }
  std::fflush(stdout);
  wait_for_end_of_input();
}
