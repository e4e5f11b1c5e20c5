// An OCI runtime for tests: behaves like runc at its command line (start by exec.fifo, records,
// error texts, cgroups for memory and processes) but isolates only as far as the tests need: pid,
// mount and host name, and a chroot.
//
//   FAKE_FAIL=VERB  the verb fails with a message; `started`: `start` fails when the container that
//                   it has started has ended
//   FAKE_HANG=VERB  the verb never ends (`create`: after it has made init)

#include "tests/fakes/fake_container.hpp"

#include <csignal>
#include <ctime>

using namespace fake;

namespace {

struct Call {
  std::string root = "/run/fake-runtime";
  std::string log;
  std::string verb;
  std::map<std::string, std::string> options;
  Args words;

  const std::string& id() const {
    if (words.empty())
      throw Failed{"no container id given"};
    return words.front();
  }

  std::string directory() const {
    return root + "/" + id();
  }
};

bool asked(const char* variable, const std::string& verb) {
  auto value = std::getenv(variable);
  return value != nullptr && value == verb;
}

[[noreturn]] void hang() {
  for (;;)
    ::pause();
}

void write_text(const fs::path& path, const std::string& text) {
  auto temporary = path.string() + ".tmp";
  std::ofstream{temporary} << text;
  fs::rename(temporary, path);
}

Json read_json(const fs::path& path) {
  auto in = std::ifstream{path};
  auto json = Json::parse(in, nullptr, false);
  if (!json.is_object())
    throw Failed{path.string() + ": not a JSON object, or no file"};
  return json;
}

/// The fields of /proc/PID/stat from the state (field 3) on; empty if there is no such process.
Args stat_of(int pid) {
  auto in = std::ifstream{"/proc/" + std::to_string(pid) + "/stat"};
  auto text = std::string{std::istreambuf_iterator<char>{in}, {}};
  auto words = std::istringstream{text.empty() ? text : text.substr(text.rfind(')') + 1)};
  return {std::istream_iterator<std::string>{words}, {}};
}

/// The record of a container.
struct Record {
  int pid = 0;
  std::string start_time;
  std::string bundle;
  Args cgroups;

  static Record load(const Call& call) {
    if (!fs::exists(call.directory() + "/state.json"))
      throw Failed{"container does not exist"};
    auto json = read_json(call.directory() + "/state.json");
    return {json["pid"], json["startTime"], json["bundle"], json["cgroups"]};
  }

  void save(const Call& call) const {
    write_text(
        call.directory() + "/state.json",
        Json{{"pid", pid}, {"startTime", start_time}, {"bundle", bundle}, {"cgroups", cgroups}}
            .dump());
  }

  std::string status(const Call& call) const {
    auto stat = stat_of(pid);
    if (stat.size() < 20 || stat[19] != start_time || stat[0] == "Z")
      return "stopped";
    return fs::exists(call.directory() + "/exec.fifo") ? "created" : "running";
  }
};

// -- verbs ----------------------------------------------------------------------------------------

void remove_container(const Call& call, const Args& cgroups) {
  for (auto& directory : cgroups)
    for (auto tries = 0; ::rmdir(directory.c_str()) != 0 && errno == EBUSY && tries < 1000; ++tries)
      ::usleep(1000);
  fs::remove_all(call.directory());
}

int create(const Call& call) {
  auto bundle =
      fs::absolute(call.options.count("bundle") ? call.options.at("bundle") : ".").string();
  auto config = read_json(bundle + "/config.json");
  if (fs::exists(call.directory()))
    throw Failed{"container with id exists: " + call.id()};
  fs::create_directories(call.directory());
  auto record = Record{0, {}, bundle, {}};
  try {
    record.cgroups = make_cgroups(config);
    auto directory = ::open(call.directory().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
    // Whoever the process runs as opens it; the mask of this process must not count.
    if (::mkfifoat(directory, "exec.fifo", 0600) != 0
        || ::fchmodat(directory, "exec.fifo", 0622, 0) != 0)
      throw Failed{"mkfifo: " + reason()};
    auto rootfs =
        (fs::path{bundle} / config.value(Json::json_pointer{"/root/path"}, std::string{"rootfs"}))
            .string();
    if (::geteuid() == 0 && ::unshare(CLONE_NEWPID) != 0)
      throw Failed{"unshare: " + reason()};
    record.pid = fork_into(
        record.cgroups,
        [&] {
          ::setsid();
          enter_rootfs(config, rootfs);
          return Program{config["process"]};
        },
        [&](const Program& program) {
          auto fifo = ::openat(directory, "exec.fifo", O_WRONLY | O_CLOEXEC);
          if (fifo < 0 || ::write(fifo, "0", 1) != 1)
            ::_exit(1);
          program.execute();
        });
    record.start_time = stat_of(record.pid).at(19);
    record.save(call);
  } catch (...) {
    remove_container(call, record.cgroups);
    throw;
  }
  if (asked("FAKE_HANG", "create"))
    hang();
  if (call.options.count("pid-file"))
    write_text(call.options.at("pid-file"), std::to_string(record.pid));
  return 0;
}

int start(const Call& call) {
  auto record = Record::load(call);
  auto status = record.status(call);
  if (status == "stopped")
    throw Failed{"cannot start a container that has stopped"};
  if (status == "running")
    throw Failed{"cannot start an already running container"};
  auto path = call.directory() + "/exec.fifo";
  auto fifo = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  char byte = 0;
  if (fifo < 0 || ::read(fifo, &byte, 1) != 1)
    throw Failed{"container init did not answer"};
  ::unlink(path.c_str());
  if (asked("FAKE_FAIL", "started")) {
    while (record.status(call) != "stopped")
      ::usleep(1000);
    throw Failed{"the answer of the container is lost"};
  }
  return 0;
}

int state(const Call& call) {
  auto record = Record::load(call);
  auto status = record.status(call);
  auto json = Json{{"ociVersion", "1.0.2-dev"},
                   {"id", call.id()},
                   {"status", status},
                   {"bundle", record.bundle}};
  json["pid"] = status == "stopped" ? 0 : record.pid;
  std::puts(json.dump(2).c_str());
  return 0;
}

int kill(const Call& call) {
  auto record = Record::load(call);
  auto text = call.words.size() > 1 ? call.words[1] : std::string{"TERM"};
  auto signal = std::atoi(text.c_str());
  for (auto n = 1; n < NSIG && signal == 0; ++n)
    if (auto name = ::sigabbrev_np(n);
        name != nullptr && (text == name || text == "SIG" + std::string{name}))
      signal = n;
  if (signal == 0)
    throw Failed{"unknown signal \"" + text + "\""};
  if (record.status(call) == "stopped" || ::kill(record.pid, signal) != 0)
    throw Failed{"container not running"};
  return 0;
}

int remove(const Call& call) {
  auto force = call.options.count("force") > 0;
  if (!fs::exists(call.directory() + "/state.json")) {
    fs::remove_all(call.directory());
    if (force)
      return 0;
    throw Failed{"container does not exist"};
  }
  auto record = Record::load(call);
  auto status = record.status(call);
  if (status != "stopped" && !force)
    throw Failed{"cannot delete container " + call.id() + " that is not stopped: " + status};
  if (status != "stopped")
    ::kill(record.pid, SIGKILL);
  for (auto tries = 0; record.status(call) != "stopped" && tries < 10'000; ++tries)
    ::usleep(1000);
  remove_container(call, record.cgroups);
  return 0;
}

int exec(const Call& call) {
  auto record = Record::load(call);
  if (record.status(call) != "running")
    throw Failed{"cannot exec in a stopped container", 255};
  auto process = Json::object();
  if (call.options.count("process"))
    process = read_json(call.options.at("process"));
  else
    process = {{"args", Args(call.words.begin() + 1, call.words.end())},
               {"env", read_json(record.bundle + "/config.json")["process"]["env"]},
               {"cwd", call.options.count("cwd") ? call.options.at("cwd") : "/"}};
  auto proc = "/proc/" + std::to_string(record.pid);
  auto root = ::open((proc + "/root").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  for (auto name : {"/ns/pid", "/ns/uts"})
    if (auto fd = ::open((proc + name).c_str(), O_RDONLY | O_CLOEXEC);
        ::geteuid() == 0 && ::setns(fd, 0) != 0)
      throw Failed{"setns: " + reason(), 255};
  auto pid = fork_into(
      record.cgroups,
      [&] {
        if (::geteuid() == 0 && (::fchdir(root) != 0 || ::chroot(".") != 0))
          throw Failed{"chroot: " + reason()};
        return Program{process};
      },
      [](const Program& program) { program.execute(); });
  if (call.options.count("pid-file"))
    write_text(call.options.at("pid-file"), std::to_string(pid));
  if (call.options.count("detach"))
    return 0;
  auto status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR)
    continue;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

// -- command line ---------------------------------------------------------------------------------

/// Options that have a value, in both spellings; all others have none.
bool takes_value(const std::string& name) {
  static const auto names =
      Args{"root", "log", "log-format", "bundle", "pid-file", "process", "cwd", "env", "user"};
  return std::find(names.begin(), names.end(), name) != names.end();
}

Call parse(const Args& args) {
  static const auto short_names = std::map<std::string, std::string>{
      {"b", "bundle"}, {"p", "process"}, {"f", "force"},  {"d", "detach"},
      {"e", "env"},    {"u", "user"},    {"v", "version"}};
  auto call = Call{};
  for (size_t i = 0; i < args.size(); ++i) {
    auto& arg = args[i];
    // Behind the id of `exec` everything belongs to the program.
    if (arg.size() < 2 || arg[0] != '-' || (call.verb == "exec" && !call.words.empty())) {
      if (call.verb.empty())
        call.verb = arg;
      else
        call.words.push_back(arg);
      continue;
    }
    auto name = arg.substr(arg.find_first_not_of('-'));
    auto equals = name.find('=');
    auto value = equals == std::string::npos ? std::string{} : name.substr(equals + 1);
    name = name.substr(0, equals);
    if (auto full = short_names.find(name); full != short_names.end())
      name = full->second;
    if (equals == std::string::npos && takes_value(name) && i + 1 < args.size())
      value = args[++i];
    call.options[name] = value;
  }
  if (call.options.count("root"))
    call.root = call.options["root"];
  call.log = call.options["log"];
  return call;
}

int run(const Call& call) {
  if (asked("FAKE_FAIL", call.verb))
    throw Failed{"it was asked to fail"};
  if (call.verb != "create" && asked("FAKE_HANG", call.verb))
    hang();
  if (call.verb == "create")
    return create(call);
  if (call.verb == "start")
    return start(call);
  if (call.verb == "state")
    return state(call);
  if (call.verb == "kill")
    return kill(call);
  if (call.verb == "delete")
    return remove(call);
  if (call.verb == "exec")
    return exec(call);
  throw Failed{"No help topic for '" + call.verb + "'", 3};
}

int report(const Call& call, const Failed& failed) {
  auto message = call.verb == "exec" ? "exec failed: " + failed.message
                                     : "runc " + call.verb + " failed: " + failed.message;
  if (!call.log.empty())
    std::ofstream{call.log, std::ios::app} << Json{{"level", "error"}, {"msg", message}}.dump()
                                           << '\n';
  dprintf(STDERR_FILENO, "%s\n", message.c_str());
  return call.verb == "exec" ? 255 : 1;
}

} // namespace

int main(int argc, char** argv) {
  auto call = parse(Args(argv + 1, argv + argc));
  if (call.options.count("version") || call.verb.empty()) {
    std::puts("runc version 1.1.5-fake\ncommit: none\nspec: 1.0.2-dev");
    return 0;
  }
  try {
    return run(call);
  } catch (const Failed& failed) {
    return report(call, failed);
  } catch (const std::exception& error) {
    return report(call, {error.what()});
  }
}
