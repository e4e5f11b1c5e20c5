#include "runtimes/linux/service_manager.hpp"

#include "runtimes/linux/process.hpp"
#include "tests/support/notify_socket.hpp"

#include <unistd.h>

using namespace berth;
using namespace berth::test;
using namespace std::chrono_literals;

namespace {

/// Sets variables for as long as it lives.
class Environment {
public:
  explicit Environment(const std::map<std::string, std::string>& variables) {
    for (const auto& [name, value] : variables)
      ::setenv(name.c_str(), value.c_str(), 1);
  }

  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

  ~Environment() {
    for (auto name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"})
      ::unsetenv(name);
  }
};

} // namespace

TEST_CASE("a service manager is told how the service stands, by path or by abstract name", "[service]") {
  auto socket = NotifySocket{GENERATE(NotifySocket::Kind::path, NotifySocket::Kind::abstract)};
  auto environment = Environment{{{"NOTIFY_SOCKET", socket.address()}}};
  auto service = ServiceManager::take_from_environment();
  REQUIRE(service.ready("Serves 2 pools"));
  CHECK(socket.next() == "READY=1\nSTATUS=Serves 2 pools");
  REQUIRE(service.feed_watchdog());
  CHECK(socket.next() == "WATCHDOG=1");
  REQUIRE(service.tell("all is well"));
  CHECK(socket.next() == "STATUS=all is well");
  REQUIRE(service.stopping("two\nlines"));
  CHECK(socket.next() == "STOPPING=1\nSTATUS=two …");
}

TEST_CASE("a reload is told with its time, and its end once all of them have ended", "[service]") {
  auto socket = NotifySocket{};
  auto environment = Environment{{{"NOTIFY_SOCKET", socket.address()}}};
  auto service = ServiceManager::take_from_environment();
  auto before = std::chrono::steady_clock::now().time_since_epoch() / 1us;
  REQUIRE(service.begin_reload("first"));
  auto told = socket.next();
  auto after = std::chrono::steady_clock::now().time_since_epoch() / 1us;
  auto beginning = std::string{"RELOADING=1\nMONOTONIC_USEC="};
  INFO(told);
  REQUIRE(told.starts_with(beginning));
  auto time = std::stoll(told.substr(beginning.size()));
  CHECK(before <= time);
  CHECK(time <= after);
  CHECK(told.ends_with("\nSTATUS=first"));
  REQUIRE(service.begin_reload("second"));
  CHECK(socket.next().starts_with("RELOADING=1\n"));
  REQUIRE(service.end_reload("one is left"));
  CHECK(socket.next() == "STATUS=one is left");
  REQUIRE(service.end_reload("done"));
  CHECK(socket.next() == "READY=1\nSTATUS=done");
}

TEST_CASE("without a service manager nothing happens", "[service]") {
  auto environment = Environment{{}};
  auto service = ServiceManager::take_from_environment();
  CHECK(service.watchdog() == 0s);
  CHECK(service.ready("a"));
  CHECK(service.begin_reload("b"));
  CHECK(service.end_reload("c"));
  CHECK(service.feed_watchdog());
  CHECK(service.stopping("d"));
}

TEST_CASE("a service manager that cannot be told is an error and nothing worse", "[service]") {
  struct Row {
    std::string address;
    std::string why;
  };
  auto row = GENERATE(values<Row>({{"/nowhere/notify", "No such file or directory"},
                                   {"@berth-test-nobody-listens", "Connection refused"},
                                   {"vsock:2:1234", "neither a path nor an abstract name"},
                                   {"/" + std::string(107, 'x'), "too long for a socket address"}}));
  auto environment = Environment{{{"NOTIFY_SOCKET", row.address}}};
  auto service = ServiceManager::take_from_environment();
  auto told = service.ready("a");
  REQUIRE_FALSE(told);
  CHECK(told.error().code == ec::system_error);
  CHECK(told.error().reason == row.why);
}

TEST_CASE("the watchdog counts if it is meant for this process", "[service]") {
  struct Row {
    std::map<std::string, std::string> variables;
    std::chrono::microseconds watchdog;
  };
  auto own = std::to_string(::getpid());
  auto row = GENERATE_COPY(values<Row>({{{{"WATCHDOG_USEC", "30000000"}}, 30s},
                                        {{{"WATCHDOG_USEC", "30000000"}, {"WATCHDOG_PID", own}}, 30s},
                                        {{{"WATCHDOG_USEC", "30000000"}, {"WATCHDOG_PID", "1"}}, 0s},
                                        {{{"WATCHDOG_USEC", "0"}}, 0s},
                                        {{{"WATCHDOG_USEC", "-5"}}, 0s},
                                        {{{"WATCHDOG_USEC", "30s"}}, 0s},
                                        {{{"WATCHDOG_USEC", ""}}, 0s}}));
  auto environment = Environment{row.variables};
  CHECK(ServiceManager::take_from_environment().watchdog() == row.watchdog);
}

TEST_CASE("no child can speak for the daemon", "[service]") {
  auto socket = NotifySocket{};
  auto environment = Environment{{{"NOTIFY_SOCKET", socket.address()}, {"WATCHDOG_USEC", "1"}, {"WATCHDOG_PID", "1"}}};
  auto service = ServiceManager::take_from_environment();
  auto output = run_command({"/usr/bin/env"}, 10s, 1 << 20);
  REQUIRE(output);
  CHECK(output->out.find("NOTIFY_SOCKET") == std::string::npos);
  CHECK(output->out.find("WATCHDOG") == std::string::npos);
  REQUIRE(service.ready("still known"));
  CHECK(socket.next() == "READY=1\nSTATUS=still known");
}
