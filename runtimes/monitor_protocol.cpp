#include "runtimes/monitor_protocol.hpp"

#include <concepts>
#include <cstring>
#include <type_traits>

namespace berth {

namespace {

// A packet is: mark, version, tag of the message, then the fields in order. Integers are in the
// byte order of the machine (both sides run on it); texts and lists have a 32-bit length or count
// in front.

constexpr uint8_t mark = 0xb7;
constexpr uint8_t version = 1;

template <class T, class Wanted>
concept Is = std::same_as<std::remove_const_t<T>, Wanted>;

/// Calls `f` with all the fields of a message, in the order of the wire.
template <class F>
bool each_field(F& f, Is<MonitorPlan> auto& x) {
  return f(x.container, x.runtime_id, x.create_argv, x.start_argv, x.delete_argv, x.kill_argv,
           x.start_fifo, x.rootfs_lower, x.layer_dir, x.log_path, x.log_max_size, x.log_max_files,
           x.cgroup_parent, x.memory_cgroup, x.leftover_cgroups, x.cgroup_v2, x.state_root,
           x.alone_limit_ms);
}

template <class F>
bool each_field(F& f, Is<StartCommand> auto&) {
  return f();
}

template <class F>
bool each_field(F& f, Is<SignalCommand> auto& x) {
  return f(x.signal);
}

template <class F>
bool each_field(F& f, Is<AbortCommand> auto&) {
  return f();
}

template <class F>
bool each_field(F& f, Is<MonitorCreated> auto& x) {
  return f(x.pid, x.start_time);
}

template <class F>
bool each_field(F& f, Is<MonitorStarted> auto& x) {
  return f(x.at.ns);
}

template <class F>
bool each_field(F& f, Is<MonitorExited> auto& x) {
  return f(x.wait_status, x.at.ns, x.oom_kills, x.oom_group_kills, x.memory_peak, x.memory_limit);
}

template <class F>
bool each_field(F& f, Is<MonitorFailed> auto& x) {
  return f(x.stage, x.wait_status, x.message);
}

template <class F>
bool each_field(F& f, Is<MonitorSignalFailed> auto& x) {
  return f(x.signal, x.message);
}

template <class F>
bool each_field(F& f, Is<MonitorWork> auto& x) {
  return f(x.phase, x.began, x.ended);
}

template <class F>
bool each_field(F& f, Is<MonitorDeleted> auto& x) {
  return f(x.leftovers);
}

constexpr LaunchStage last_of(LaunchStage) {
  return LaunchStage::start;
}

constexpr MonitorPhase last_of(MonitorPhase) {
  return MonitorPhase::remove;
}

class Writer {
public:
  template <class... Ts>
  bool operator()(const Ts&... xs) {
    (put(xs), ...);
    return true;
  }

  template <std::integral T>
  void put(T x) {
    char raw[sizeof(T)];
    std::memcpy(raw, &x, sizeof(T));
    bytes.append(raw, sizeof(T));
  }

  template <class Enum>
  requires std::is_enum_v<Enum> void put(Enum x) {
    put(static_cast<uint8_t>(x));
  }

  void put(const std::string& x) {
    put(static_cast<uint32_t>(x.size()));
    bytes += x;
  }

  void put(const std::vector<std::string>& xs) {
    put(static_cast<uint32_t>(xs.size()));
    for (auto& x : xs)
      put(x);
  }

  std::string bytes;
};

/// Never reads beyond its input and never allocates more than a few times its length, whatever the
/// lengths in it say.
class Reader {
public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {
    // nop
  }

  template <class... Ts>
  bool operator()(Ts&... xs) {
    return (get(xs) && ...);
  }

  bool at_end() const {
    return bytes_.empty();
  }

private:
  template <std::integral T>
  requires(!std::same_as<T, bool>) bool get(T& x) {
    if (bytes_.size() < sizeof(T))
      return false;
    std::memcpy(&x, bytes_.data(), sizeof(T));
    bytes_.remove_prefix(sizeof(T));
    return true;
  }

  bool get(bool& x) {
    auto raw = uint8_t{0};
    if (!get(raw) || raw > 1)
      return false;
    x = raw == 1;
    return true;
  }

  template <class Enum>
  requires std::is_enum_v<Enum> bool get(Enum& x) {
    auto raw = uint8_t{0};
    if (!get(raw) || raw > static_cast<uint8_t>(last_of(x)))
      return false;
    x = static_cast<Enum>(raw);
    return true;
  }

  bool get(std::string& x) {
    auto size = uint32_t{0};
    if (!get(size) || size > bytes_.size())
      return false;
    x.assign(bytes_.substr(0, size));
    bytes_.remove_prefix(size);
    return true;
  }

  bool get(std::vector<std::string>& xs) {
    auto count = uint32_t{0};
    // Each element takes at least its length.
    if (!get(count) || count > bytes_.size() / sizeof(uint32_t))
      return false;
    xs.resize(count);
    for (auto& x : xs)
      if (!get(x))
        return false;
    return true;
  }

  std::string_view bytes_;
};

/// Commands and messages have tags of their own, so that neither is ever taken for the other.
template <class Variant>
constexpr uint8_t first_tag = std::is_same_v<Variant, MonitorCommand> ? 0x10 : 0x80;

template <class Variant>
std::string encode_any(const Variant& x) {
  auto out = Writer{};
  out.put(mark);
  out.put(version);
  out.put(static_cast<uint8_t>(first_tag<Variant> + x.index()));
  std::visit([&](auto& y) { each_field(out, y); }, x);
  return std::move(out.bytes);
}

template <class Variant, size_t I = 0>
bool read_alternative(Reader& in, size_t index, Variant& x) {
  if constexpr (I < std::variant_size_v<Variant>) {
    if (index != I)
      return read_alternative<Variant, I + 1>(in, index, x);
    return each_field(in, x.template emplace<I>());
  } else {
    return false;
  }
}

tl::unexpected<Error> bad_packet(const char* why) {
  return failure(ec::bad_request, "packet between berthd and berth-monitor", why);
}

template <class Variant>
Result<Variant> decode_any(std::string_view packet) {
  if (packet.size() > monitor_packet_limit)
    return bad_packet("too long");
  auto in = Reader{packet};
  auto head = uint8_t{0};
  auto their_version = uint8_t{0};
  auto tag = uint8_t{0};
  if (!in(head, their_version, tag) || head != mark)
    return bad_packet("not of this protocol");
  if (their_version != version)
    return failure(ec::bad_request, "packet between berthd and berth-monitor",
                   "version " + std::to_string(their_version) + " instead of "
                       + std::to_string(version),
                   "install berthd and berth-monitor from the same build");
  auto result = Variant{};
  if (tag < first_tag<Variant> || !read_alternative(in, tag - first_tag<Variant>, result))
    return bad_packet("unknown message or wrong fields");
  if (!in.at_end())
    return bad_packet("bytes after the end");
  return result;
}

} // namespace

const char* to_string(LaunchStage stage) {
  switch (stage) {
    case LaunchStage::plan: return "plan";
    case LaunchStage::mount: return "mount";
    case LaunchStage::create: return "create";
    case LaunchStage::start: return "start";
  }
  return "?";
}

std::string encode(const MonitorCommand& command) {
  return encode_any(command);
}

std::string encode(const MonitorMessage& message) {
  return encode_any(message);
}

Result<MonitorCommand> decode_monitor_command(std::string_view packet) {
  return decode_any<MonitorCommand>(packet);
}

Result<MonitorMessage> decode_monitor_message(std::string_view packet) {
  return decode_any<MonitorMessage>(packet);
}

std::string render_exit_record(const MonitorExited& exited) {
  // Integers and a time need no escaping, and the monitor stays free of a JSON library's memory.
  auto text = std::string{"{\"waitStatus\":"} + std::to_string(exited.wait_status);
  text += ",\"finishedAt\":\"" + to_string(exited.at) + "\"";
  text += ",\"oomKills\":" + std::to_string(exited.oom_kills);
  text += ",\"oomGroupKills\":" + std::to_string(exited.oom_group_kills);
  text += ",\"memoryPeak\":" + std::to_string(exited.memory_peak);
  text += ",\"memoryLimit\":" + std::to_string(exited.memory_limit);
  text += "}\n";
  return text;
}

std::string story_entry(std::string_view packet) {
  auto length = static_cast<uint32_t>(packet.size());
  auto result = std::string(sizeof(length), '\0');
  std::memcpy(result.data(), &length, sizeof(length));
  return result.append(packet);
}

std::vector<std::string> read_story(std::string_view text) {
  auto result = std::vector<std::string>{};
  auto length = uint32_t{0};
  while (text.size() >= sizeof(length)) {
    std::memcpy(&length, text.data(), sizeof(length));
    text.remove_prefix(sizeof(length));
    if (length > text.size())
      break;
    result.emplace_back(text.substr(0, length));
    text.remove_prefix(length);
  }
  return result;
}

bool ends_story(std::string_view packet) {
  auto message = decode_monitor_message(packet);
  return message && (std::holds_alternative<MonitorDeleted>(*message) || std::holds_alternative<MonitorFailed>(*message));
}

} // namespace berth
