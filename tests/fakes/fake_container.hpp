#pragma once

#include <nlohmann/json.hpp>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/// What the fake runtime makes of a bundle: cgroups, mounts, and the process.
namespace fake {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using Args = std::vector<std::string>;

/// Ends the verb with a message.
struct Failed {
  std::string message;
  int exit_code = 1;
};

inline std::string reason() {
  return std::strerror(errno);
}

// -- cgroups --------------------------------------------------------------------------------------

/// Writes to a file of a cgroup; what the kernel refuses is not this runtime's concern.
inline void put(const std::string& path, const std::string& text) {
  auto fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (fd >= 0 && ::write(fd, text.data(), text.size()) < 0 && text.front() != '+')
    throw Failed{"failed to write \"" + text + "\" to " + path + ": " + reason()};
  if (fd >= 0)
    ::close(fd);
}

inline std::string limit_text(const Json& resources, const char* kind) {
  auto limit = resources.value(Json::json_pointer{std::string{"/"} + kind + "/limit"}, int64_t{0});
  return limit > 0 ? std::to_string(limit) : std::string{};
}

/// Makes the container's groups with their limits. Returns their directories.
inline Args make_cgroups(const Json& config) {
  auto path = config.value(Json::json_pointer{"/linux/cgroupsPath"}, std::string{});
  if (path.empty() || ::geteuid() != 0)
    return {};
  auto resources = config.value(Json::json_pointer{"/linux/resources"}, Json::object());
  auto memory = limit_text(resources, "memory");
  auto pids = limit_text(resources, "pids");
  auto mount = std::string{"/sys/fs/cgroup"};
  if (fs::exists(mount + "/memory/memory.oom_control")
      || fs::exists(mount + "/memory/cgroup.procs")) {
    auto result = Args{mount + "/memory" + path, mount + "/pids" + path};
    for (auto& directory : result)
      fs::create_directories(directory);
    if (!memory.empty())
      put(result[0] + "/memory.limit_in_bytes", memory);
    if (!memory.empty() && fs::exists(result[0] + "/memory.memsw.limit_in_bytes"))
      put(result[0] + "/memory.memsw.limit_in_bytes", memory);
    if (!pids.empty())
      put(result[1] + "/pids.max", pids);
    return result;
  }
  auto directory = mount + path;
  fs::create_directories(directory);
  put(fs::path{directory}.parent_path().string() + "/cgroup.subtree_control", "+memory +pids");
  if (!memory.empty())
    put(directory + "/memory.max", memory);
  if (!memory.empty())
    put(directory + "/memory.swap.max", "0");
  if (!pids.empty())
    put(directory + "/pids.max", pids);
  if (auto group = resources.value(Json::json_pointer{"/unified/memory.oom.group"}, std::string{});
      !group.empty())
    put(directory + "/memory.oom.group", group);
  return {directory};
}

// -- the process in the container -----------------------------------------------------------------

inline void bind_mount(const std::string& source, const std::string& target, bool read_only) {
  if (fs::is_directory(source)) {
    fs::create_directories(target);
  } else {
    fs::create_directories(fs::path{target}.parent_path());
    std::ofstream{target, std::ios::app};
  }
  if (::mount(source.c_str(), target.c_str(), nullptr, MS_BIND | MS_REC, nullptr) != 0)
    throw Failed{"error mounting \"" + source + "\" to rootfs at \"" + target + "\": mount "
                 + source + ": " + reason()};
  if (read_only
      && ::mount(nullptr, target.c_str(), nullptr, MS_BIND | MS_REMOUNT | MS_RDONLY, nullptr) != 0)
    throw Failed{"cannot remount " + target + " read-only: " + reason()};
}

/// Enters the container's root, with its bind mounts, /proc and the host's /dev.
inline void enter_rootfs(const Json& config, const std::string& rootfs) {
  if (::geteuid() != 0)
    return;
  if (::unshare(CLONE_NEWNS | CLONE_NEWUTS) != 0
      || ::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) != 0)
    throw Failed{"unshare: " + reason()};
  auto hostname = config.value("hostname", std::string{});
  if (!hostname.empty())
    ::sethostname(hostname.data(), hostname.size());
  bind_mount("/dev", rootfs + "/dev", false);
  fs::create_directories(rootfs + "/proc");
  ::mount("proc", (rootfs + "/proc").c_str(), "proc", 0, nullptr);
  for (auto& mount : config.value("mounts", Json::array())) {
    auto options = mount.value("options", Args{});
    auto has = [&](const char* option) {
      return std::find(options.begin(), options.end(), option) != options.end();
    };
    if (mount.value("type", "") == "bind" || has("bind") || has("rbind"))
      bind_mount(mount["source"], rootfs + mount["destination"].get<std::string>(),
                 has("ro") || has("rro"));
  }
  if (::chroot(rootfs.c_str()) != 0 || ::chdir("/") != 0)
    throw Failed{"chroot " + rootfs + ": " + reason()};
}

/// Finds the program as runc does, and with its words if there is none.
inline std::string find_program(const std::string& name, const Args& env) {
  auto refuse = [&](const std::string& why) {
    return Failed{"unable to start container process: exec: \"" + name + "\": " + why, 255};
  };
  auto usable = [](const std::string& path) {
    return !fs::is_directory(path) && ::access(path.c_str(), X_OK) == 0;
  };
  if (name.find('/') != std::string::npos) {
    if (!fs::exists(name))
      throw refuse("stat " + name + ": no such file or directory");
    if (!usable(name))
      throw refuse(fs::is_directory(name) ? "is a directory" : "permission denied");
    return name;
  }
  for (auto& entry : env)
    if (entry.starts_with("PATH=")) {
      auto directories = std::istringstream{entry.substr(5)};
      for (std::string directory; std::getline(directories, directory, ':');)
        if (auto path = directory + "/" + name; usable(path))
          return path;
    }
  throw refuse("executable file not found in $PATH");
}

/// The process of a bundle or of `exec`: looked up, but not yet executed.
class Program {
public:
  explicit Program(const Json& process)
      : args_(process["args"]), env_(process.value("env", Args{})) {
    auto cwd = process.value("cwd", std::string{"/"});
    auto ignored = std::error_code{};
    fs::create_directories(cwd, ignored);
    if (::chdir(cwd.c_str()) != 0)
      throw Failed{"chdir to cwd (\"" + cwd + "\") set in config.json failed: " + reason()};
    path_ = find_program(args_.at(0), env_);
    auto user = process.value("user", Json::object());
    auto groups = user.value("additionalGids", std::vector<gid_t>{});
    if (::geteuid() == 0
        && (::setgroups(groups.size(), groups.data()) != 0 || ::setgid(user.value("gid", 0u)) != 0
            || ::setuid(user.value("uid", 0u)) != 0))
      throw Failed{"unable to setup user: " + reason()};
  }

  [[noreturn]] void execute() const {
    auto mask = sigset_t{};
    ::sigemptyset(&mask);
    ::sigprocmask(SIG_SETMASK, &mask, nullptr);
    ::execve(path_.c_str(), pointers(args_).data(), pointers(env_).data());
    dprintf(STDERR_FILENO, "exec %s: %s\n", path_.c_str(), std::strerror(errno));
    ::_exit(1);
  }

private:
  static std::vector<char*> pointers(const Args& texts) {
    auto result = std::vector<char*>{};
    for (auto& text : texts)
      result.push_back(const_cast<char*>(text.c_str()));
    result.push_back(nullptr);
    return result;
  }

  Args args_;
  Args env_;
  std::string path_;
};

/// Runs `step` in a forked process. What it throws, or nothing, comes back through a socket before
/// the process goes on to `then`. The parent puts the process into the cgroups before it begins.
template <class Step, class Then>
int fork_into(const Args& cgroups, Step step, Then then) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    throw Failed{"socketpair: " + reason()};
  auto pid = ::fork();
  if (pid < 0)
    throw Failed{"fork: " + reason()};
  if (pid == 0) {
    ::close(ends[0]);
    char go = 0;
    if (::read(ends[1], &go, 1) != 1)
      ::_exit(1);
    try {
      auto program = step();
      ::close(ends[1]);
      then(program);
    } catch (const Failed& failed) {
      ::_exit(::write(ends[1], failed.message.data(), failed.message.size()) < 0 ? 2 : 1);
    } catch (const std::exception& error) {
      ::_exit(::write(ends[1], error.what(), std::strlen(error.what())) < 0 ? 2 : 1);
    }
  }
  ::close(ends[1]);
  for (auto& directory : cgroups)
    put(directory + "/cgroup.procs", std::to_string(pid));
  auto answer = std::string{};
  char buffer[4096];
  auto n = ::write(ends[0], "g", 1);
  while (n > 0 && (n = ::read(ends[0], buffer, sizeof(buffer))) > 0)
    answer.append(buffer, static_cast<size_t>(n));
  ::close(ends[0]);
  if (!answer.empty()) {
    ::waitpid(pid, nullptr, 0);
    throw Failed{answer, 255};
  }
  return pid;
}

} // namespace fake
