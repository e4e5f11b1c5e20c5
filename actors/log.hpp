#pragma once

#include "messages/log_levels.hpp"

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

/// The daemon's log: one line per event, a fixed message and fields. Operators search for the messages, so they are part of the
/// interface. Only actors and apps log; everything below returns errors instead.
namespace berth::log {

using Level = LogLevel;

/// One without a key is left out.
struct Field {
  std::string_view key;
  std::string value;
};

// -- who writes ---------------------------------------------------------------------------------------------------------

/// Who writes a line, and about what. Whatever is not empty is added to the line, unless the line has said it already.
struct Context {
  /// One of `log_components`.
  std::string_view component;
  std::string_view container_id;
  std::string_view pool;
  std::string_view trace_id;
};

/// Says who runs in the calling thread at the moment. The views must stay valid until the line is written. Must not throw, and
/// must not log.
using ContextSource = Context (*)();

/// Asked for every line from now on; null for none. Where it says nothing, the context of the thread counts.
void set_context_source(ContextSource source);

/// Says what the calling thread is about, as long as this lives, where the source does not say it. What is empty stays as it was
/// before; without any the component is "berthd".
class ThreadContext {
public:
  explicit ThreadContext(Context context);
  ~ThreadContext();

  ThreadContext(const ThreadContext&) = delete;
  ThreadContext& operator=(const ThreadContext&) = delete;

private:
  Context before_;
};

// -- what is written ----------------------------------------------------------------------------------------------------

/// What the configuration wants. If that is not as it was, levels that were set since then are forgotten.
void configure(LogFormat format, const LogLevels& levels);

/// Sets the lowest level that is written, of all components without one of their own.
void set_level(Level level);

/// The same for one component.
void set_level(std::string_view component, Level level);

/// Goes back to what is configured: altogether, or for one component.
void reset_levels();
void reset_level(std::string_view component);

/// What counts now, and what is configured.
LogLevels current_levels();
LogLevels configured_levels();

/// Whether a line of this level is written for the component that would write it. Costs a few atomic reads.
bool is_written(Level level, std::string_view component);

// -- lines --------------------------------------------------------------------------------------------------------------

/// Writes one line to stderr, as text or as JSON.
void write(Level level, std::string_view message, std::initializer_list<Field> fields);

inline void debug(std::string_view message, std::initializer_list<Field> fields = {}) {
  write(Level::debug, message, fields);
}

inline void info(std::string_view message, std::initializer_list<Field> fields = {}) {
  write(Level::info, message, fields);
}

inline void warn(std::string_view message, std::initializer_list<Field> fields = {}) {
  write(Level::warn, message, fields);
}

inline void error(std::string_view message, std::initializer_list<Field> fields = {}) {
  write(Level::error, message, fields);
}

/// `INFO  message key=value key="with spaces"`. Control characters in values are escaped, and bytes that are not UTF-8: a value
/// never starts a new line. The time comes before it.
std::string format_text(Level level, std::string_view message, std::initializer_list<Field> fields, const Context& context = {});

/// `{"time":…,"level":…,"component":…,"message":…,"key":"value"}`. Bytes that are not UTF-8 are replaced.
std::string format_json(std::string_view time, Level level, std::string_view message, std::initializer_list<Field> fields,
                        const Context& context = {});

} // namespace berth::log
