// What tests need inside a container and a shell cannot do exactly; linked statically, so any root file system can hold it.
//
//     inside eat                 takes memory until the kernel kills it
//     inside eat-slowly          the same, a quarter of a MiB every 20 ms
//     inside eat-in-child TIMES  lets so many children do that, one after the other, and prints how many were killed
//     inside eat-and-end CODE    lets one child do that and ends at once with CODE
//     inside bytes               writes every value of a byte once, without a newline
//     inside burst BYTES         writes so many bytes, in lines of 63 digits
//     inside lines COUNT         writes the lines "line 0", "line 1", …, every one to stdout and to stderr in turn
//     inside calls               makes system calls that a container has no business with and prints the errors
//     inside mount               tries to mount something and prints the error

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

void write_all(int fd, const char* data, size_t size) {
  while (size > 0) {
    auto n = ::write(fd, data, size);
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      std::exit(9);
    data += n;
    size -= static_cast<size_t>(n);
  }
}

/// `pause` microseconds after each quarter of a MiB.
[[noreturn]] void eat(useconds_t pause = 0) {
  constexpr auto size = size_t{4} << 30;
  constexpr auto page = size_t{4096};
  auto memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED)
    ::_exit(3);
  for (auto offset = size_t{0}; offset < size; offset += page) {
    static_cast<volatile char*>(memory)[offset] = 1;
    if (pause > 0 && offset % (256 * 1024) == 0)
      ::usleep(pause);
  }
  ::_exit(4);
}

bool child_gets_killed() {
  auto child = ::fork();
  if (child == 0)
    eat();
  auto status = 0;
  return ::waitpid(child, &status, 0) == child && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

int eat_in_child(int times) {
  auto killed = 0;
  for (auto i = 0; i < times; ++i)
    killed += child_gets_killed() ? 1 : 0;
  std::printf("%d of %d children killed\n", killed, times);
  return killed == times ? 0 : 1;
}

int write_bytes() {
  char all[256];
  for (auto i = 0; i < 256; ++i)
    all[i] = static_cast<char>(i);
  write_all(STDOUT_FILENO, all, sizeof(all));
  return 0;
}

int burst(long bytes) {
  auto line = std::string{"012345678901234567890123456789012345678901234567890123456789012\n"};
  for (; bytes > 0; bytes -= static_cast<long>(line.size()))
    write_all(STDOUT_FILENO, line.data(), std::min(line.size(), static_cast<size_t>(bytes)));
  return 0;
}

int lines(long count) {
  for (auto i = 0l; i < count; ++i) {
    auto line = "line " + std::to_string(i) + "\n";
    write_all(i % 2 == 0 ? STDOUT_FILENO : STDERR_FILENO, line.data(), line.size());
  }
  return 0;
}

int try_mount() {
  auto failed = ::mount("none", "/tmp", "tmpfs", 0, nullptr) != 0;
  std::printf("%s\n", failed ? std::strerror(errno) : "mounted");
  return failed ? 0 : 1;
}

/// Prints what the kernel answers to calls that a container has no business with, one a line.
int try_calls() {
  auto print = [](const char* call, long result) {
    std::printf("%s %s\n", call, result >= 0 ? "allowed" : strerrorname_np(errno));
  };
  char nothing[128] = {};
  print("clone3", ::syscall(SYS_clone3, nothing, 0));
  print("io_uring_setup", ::syscall(SYS_io_uring_setup, 1, nothing));
  print("userfaultfd", ::syscall(SYS_userfaultfd, 0));
  print("bpf", ::syscall(SYS_bpf, 0, nothing, 0));
  print("keyctl", ::syscall(SYS_keyctl, 0, 0, 0));
  print("unshare-user", ::unshare(CLONE_NEWUSER));
  print("personality", ::syscall(SYS_personality, 0x0040000)); // ADDR_NO_RANDOMIZE
  print("socket-vsock", ::socket(40, SOCK_STREAM, 0));
  print("socket-alg", ::socket(38, SOCK_SEQPACKET, 0));
  print("socket-inet", ::socket(AF_INET, SOCK_STREAM, 0));
  return 0;
}

} // namespace

int main(int argc, char** argv) {
  auto verb = std::string{argc > 1 ? argv[1] : ""};
  auto number = argc > 2 ? std::atol(argv[2]) : 0;
  if (verb == "eat")
    eat();
  if (verb == "eat-slowly")
    eat(20'000);
  if (verb == "eat-in-child")
    return eat_in_child(static_cast<int>(number));
  if (verb == "eat-and-end")
    return child_gets_killed() ? static_cast<int>(number) : 1;
  if (verb == "bytes")
    return write_bytes();
  if (verb == "burst")
    return burst(number);
  if (verb == "lines")
    return lines(number);
  if (verb == "mount")
    return try_mount();
  if (verb == "calls")
    return try_calls();
  std::fprintf(stderr, "inside: what is \"%s\"?\n", verb.c_str());
  return 2;
}
