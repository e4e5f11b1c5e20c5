#include "apps/berth/debug_bundle.hpp"

#include "apps/berth/doctor_report.hpp"
#include "apps/berth/host_order.hpp"
#include "apps/berth/redact.hpp"
#include "apps/berth/settings_report.hpp"
#include "apps/berth/views.hpp"
#include "config/load_settings.hpp"
#include "runtimes/linux/checkup.hpp"
#include "runtimes/linux/file.hpp"
#include "runtimes/linux/find_program.hpp"
#include "runtimes/linux/host_facts.hpp"
#include "runtimes/linux/new_file.hpp"
#include "runtimes/linux/process.hpp"
#include "runtimes/node_paths.hpp"
#include "runtimes/timestamp.hpp"

#include <array>
#include <deque>
#include <filesystem>
#include <fstream>
#include <set>

namespace berth::cli {

namespace {

constexpr auto question_deadline = std::chrono::seconds{20};
constexpr auto archive_deadline = std::chrono::seconds{120};
constexpr size_t answer_limit = 8 * 1024 * 1024;
constexpr size_t archive_limit = 1024 * 1024 * 1024;
constexpr size_t log_limit = 8 * 1024 * 1024;
constexpr size_t event_limit = 1000;
constexpr size_t container_limit = 500;
constexpr auto journal_lines = "20000";

struct DaemonPage {
  const char* name;
  const char* path;
};

/// An older daemon does not know all of them.
constexpr auto daemon_pages =
  std::array{DaemonPage{"daemon/version.json", "/v1/version"},       DaemonPage{"daemon/health.json", "/v1/health"},
             DaemonPage{"daemon/pools.json", "/v1/pools"},           DaemonPage{"daemon/containers.json", "/v1/containers?all=true"},
             DaemonPage{"daemon/history.json", "/v1/revisions"},     DaemonPage{"daemon/reconciliation.json", "/v1/reconciliation"},
             DaemonPage{"daemon/metrics.txt", "/metrics"},           DaemonPage{"daemon/log.json", "/v1/log"},
             DaemonPage{"daemon/actors.json", "/v1/actors"},         DaemonPage{"daemon/tracing.json", "/v1/tracing"},
             DaemonPage{"daemon/trace.json", "/v1/trace"}};

bool is_archive(const std::string& path) {
  return path.ends_with(".tar.gz") || path.ends_with(".tgz");
}

bool is_json(const std::string& name) {
  return name.ends_with(".json") || name.ends_with(".ndjson");
}

std::string reason_of(const Error& error) {
  return error.subject + ": " + error.reason;
}

class Collection {
public:
  Collection(const Client& client, const DebugOptions& options, const std::function<void(const std::string&)>& on_progress)
    : client_(client), options_(options), on_progress_(on_progress), paths_(node_paths(root_of(client.address()))) {
    // nop
  }

  std::vector<BundleFile> run() {
    ask_daemon();
    add_config();
    add_host();
    add_runtimes();
    add_log();
    if (options_.no_doctor)
      leave_out("doctor.json", "not wanted (--no-doctor)");
    else
      add_doctor();
    files_.insert(files_.begin(), {"MANIFEST", manifest()});
    return std::move(files_);
  }

private:
  void add(const std::string& name, std::string_view text) {
    // A log has lines of JSON, and keys that go over several lines.
    auto clean = is_json(name) ? redact_document(text) : redact_document(redact_text(text));
    rows_ += "present  " + name + "  " + std::to_string(clean.size()) + " bytes\n";
    files_.push_back({name, std::move(clean)});
  }

  void leave_out(const std::string& name, const std::string& why) {
    rows_ += "missing  " + name + "  " + redact_text(why) + "\n";
  }

  std::string manifest() const {
    auto host = read_host_facts();
    return "Berth debug bundle\n"
           "made:     " + to_string(now()) + "\n"
           "command:  berth " BERTH_VERSION "\n"
           "daemon:   " + client_.address() + (daemon_answers_ ? "" : " (does not answer: " + redact_text(daemon_silence_) + ")") + "\n"
           "host:     " + (host ? host->hostname + ", Linux " + host->kernel : reason_of(host.error())) + "\n"
           "\n"
           "Values of environment variables, and what looks like a secret in arguments, labels, settings and logs, were\n"
           "replaced by " + std::string{redacted} + ". Look through it before you give it away all the same.\n"
           "\n" + rows_;
  }

  void ask_daemon() {
    on_progress_("asking the daemon");
    for (const auto& page : daemon_pages) {
      if (!daemon_answers_) {
        leave_out(page.name, "the daemon does not answer");
        continue;
      }
      auto answer = client_.get(Target{page.path}, question_deadline);
      if (answer) {
        add(page.name, *answer);
        if (page.name == std::string_view{"daemon/containers.json"})
          inspect_all(*answer);
      } else {
        if (answer.error().code == "unreachable") {
          daemon_answers_ = false;
          daemon_silence_ = answer.error().message;
        }
        leave_out(page.name, answer.error().message);
      }
    }
    add_events();
  }

  void inspect_all(const std::string& list) {
    auto containers = read_containers(list);
    if (!containers)
      return leave_out("daemon/containers/", containers.error().message);
    auto n = size_t{0};
    for (const auto& container : *containers) {
      // An id is a part of a path here, whatever the daemon says.
      if (!is_valid_name(container.id))
        continue;
      if (++n > container_limit)
        return leave_out("daemon/containers/", "only the first " + std::to_string(container_limit) + " were asked for");
      auto name = "daemon/containers/" + container.id + ".json";
      if (auto answer = client_.get(Target::container(container.id), question_deadline))
        add(name, *answer);
      else
        leave_out(name, answer.error().message);
    }
  }

  void add_events() {
    constexpr auto name = "daemon/events.ndjson";
    if (!daemon_answers_)
      return leave_out(name, "the daemon does not answer");
    auto last = std::deque<std::string>{};
    auto reader = LineReader{};
    reader.on_line = [&](std::string_view line) {
      last.emplace_back(line);
      if (last.size() > event_limit)
        last.pop_front();
      return true;
    };
    reader.on_pause = [] { return true; };
    auto ended = client_.stream_get(Target{"/v1/events"}, reader, question_deadline);
    if (!ended)
      leave_out(name, ended.error().message);
    if (last.empty())
      return;
    auto text = std::string{};
    for (const auto& line : last)
      text += line + "\n";
    add(name, text);
  }

  void add_config() {
    const auto& given = options_.doctor.config;
    auto path = given.empty() ? std::string{default_config} : given;
    auto settings = load_config(path);
    add("configuration.json", settings ? settings_as_json(*settings) : errors_as_json(settings.error()));
    if (settings)
      settings_ = std::move(*settings);
  }

  void add_host() {
    on_progress_("looking at the host");
    auto mounts = read_file("/proc/self/mountinfo", answer_limit).value_or("");
    auto cgroups = std::string{};
    auto own = std::string{};
    for (auto rest = std::string_view{mounts}; !rest.empty();) {
      auto line = std::string{rest.substr(0, rest.find('\n'))} + "\n";
      rest.remove_prefix(std::min(line.size(), rest.size()));
      if (line.find(" - cgroup") != std::string::npos)
        cgroups += line;
      for (const auto& directory : {paths_.run_directory, paths_.state_directory})
        if (line.find(" " + directory + "/") != std::string::npos || line.find(" " + directory + " ") != std::string::npos)
          own += line;
    }
    add("host/cgroup-mounts.txt", cgroups);
    add("host/berth-mounts.txt", own);
    for (const auto& [name, path] : {std::pair{"host/version.txt", "/proc/version"}, std::pair{"host/os-release.txt", "/etc/os-release"},
                                     std::pair{"host/meminfo.txt", "/proc/meminfo"}, std::pair{"host/cgroups.txt", "/proc/cgroups"},
                                     std::pair{"host/loadavg.txt", "/proc/loadavg"}, std::pair{"host/uptime.txt", "/proc/uptime"}})
      if (auto text = read_file(path, answer_limit))
        add(name, *text);
      else
        leave_out(name, reason_of(text.error()));
  }

  void add_runtimes() {
    const auto& node = settings_.node;
    for (const auto& [name, program] : {std::pair{"runtimes/runc.txt", node.runc_binary.value},
                                        std::pair{"runtimes/runsc.txt", node.runsc_binary.value}, std::pair{"runtimes/criu.txt", std::string{"criu"}}}) {
      auto binary = find_program(program);
      if (!binary) {
        leave_out(name, program + ": " + binary.error().reason);
        continue;
      }
      auto answer = run_command({*binary, "--version"}, question_deadline, answer_limit);
      if (answer)
        add(name, *binary + "\n" + answer->out + answer->err);
      else
        leave_out(name, reason_of(answer.error()));
    }
  }

  void add_log() {
    constexpr auto name = "daemon.log";
    if (!options_.log.empty()) {
      auto in = std::ifstream{options_.log, std::ios::binary};
      if (!in)
        return leave_out(name, options_.log + " cannot be read");
      in.seekg(0, std::ios::end);
      auto size = static_cast<size_t>(std::max<std::streamoff>(in.tellg(), 0));
      auto text = std::string(std::min(size, log_limit), '\0');
      in.seekg(static_cast<std::streamoff>(size - text.size()));
      in.read(text.data(), static_cast<std::streamsize>(text.size()));
      text.resize(static_cast<size_t>(std::max<std::streamsize>(in.gcount(), 0)));
      return add(name, text);
    }
    auto journalctl = find_program("journalctl");
    if (!journalctl)
      return leave_out(name, "no journalctl; give the daemon's log with --log FILE");
    auto answer = run_command({*journalctl, "--unit=berthd", "--no-pager", "--output=short-iso-precise", std::string{"--lines="} + journal_lines},
                              question_deadline, log_limit);
    if (!answer || answer->wait_status != 0)
      return leave_out(name, "journalctl: " + (answer ? answer->err : answer.error().reason));
    add(name, answer->out);
  }

  void add_doctor() {
    auto order = host_order(client_.address(), options_.doctor);
    order.on_progress = on_progress_;
    auto findings = examine_host(order);
    add("doctor.json", findings_as_json(findings));
    add("doctor.txt", findings_as_text(findings, false));
  }

  const Client& client_;
  const DebugOptions& options_;
  const std::function<void(const std::string&)>& on_progress_;
  NodePaths paths_;
  Settings settings_;
  bool daemon_answers_ = true;
  std::string daemon_silence_;
  std::string rows_;
  std::vector<BundleFile> files_;
};

/// `directory` exists, and belongs to the caller alone.
Result<void> write_tree(const std::vector<BundleFile>& files, const std::string& directory, bool may_replace) {
  auto made = std::set<std::string>{};
  for (const auto& file : files) {
    for (auto slash = file.name.find('/'); slash != std::string::npos; slash = file.name.find('/', slash + 1)) {
      auto inner = directory + "/" + file.name.substr(0, slash);
      if (!made.insert(inner).second)
        continue;
      if (auto done = make_private_directory(inner, may_replace); !done)
        return done;
    }
    if (auto written = write_new_private_file(directory + "/" + file.name, file.text, may_replace); !written)
      return written;
  }
  return {};
}

Result<std::string> pack(const std::vector<BundleFile>& files, const std::string& scratch, const std::string& name) {
  auto tar = find_program("tar");
  if (!tar)
    return failure(ec::system_error, "tar", tar.error().reason, "install tar, or give a directory with -o");
  auto tree = scratch + "/" + name;
  if (auto made = make_private_directory(tree, false); !made)
    return failure(made.error());
  if (auto written = write_tree(files, tree, false); !written)
    return failure(written.error());
  auto packed = run_command({*tar, "--owner=0", "--group=0", "--numeric-owner", "-C", scratch, "-czf", "-", name}, archive_deadline, archive_limit);
  if (!packed)
    return failure(packed.error());
  if (packed->wait_status != 0)
    return failure(ec::system_error, "tar", packed->err.substr(0, packed->err.find('\n')), "give a directory with -o");
  return std::move(packed->out);
}

Error with_next(Error error) {
  if (error.next.empty())
    error.next = "use --force to replace it, or another -o";
  return error;
}

} // namespace

std::vector<BundleFile> collect_bundle(const Client& client, const DebugOptions& options,
                                       const std::function<void(const std::string&)>& on_progress) {
  return Collection{client, options, on_progress}.run();
}

Result<void> write_bundle(const std::vector<BundleFile>& files, const DebugOptions& options) {
  if (!is_archive(options.output)) {
    auto made = make_private_directory(options.output, options.force);
    if (made)
      made = write_tree(files, options.output, options.force);
    return made ? made : failure(with_next(made.error()));
  }
  auto error = std::error_code{};
  auto scratch = make_temporary_directory(std::filesystem::temp_directory_path(error).string(), "berth-debug-");
  if (!scratch)
    return failure(scratch.error());
  auto name = std::filesystem::path{options.output}.filename().string();
  auto packed = pack(files, *scratch, name.substr(0, name.find(".t")));
  (void) remove_tree(*scratch);
  if (!packed)
    return failure(packed.error());
  auto written = write_new_private_file(options.output, *packed, options.force);
  return written ? written : failure(with_next(written.error()));
}

} // namespace berth::cli
