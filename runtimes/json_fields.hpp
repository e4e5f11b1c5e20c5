#pragma once

#include "messages/error.hpp"
#include "messages/types.hpp"
#include "runtimes/timestamp.hpp"

#include <array>
#include <chrono>
#include <concepts>
#include <limits>
#include <optional>
#include <type_traits>

#include <nlohmann/json.hpp>

/// JSON documents of Berth's own, written and read by one list of fields for each type:
///
///     template <class F>
///     void each_field(F& f, Is<Mount> auto& x) {
///       f("source", x.source);
///       f.optional("readOnly", x.read_only);  // may be missing, and is then as in a new object
///     }
///
/// The lists are in this namespace, where the functions below find them. Enumerations are written by their names, and need
/// their `Choices`.
namespace berth::json_fields {

using Json = nlohmann::json;

template <class T, class What>
concept Is = std::same_as<std::remove_const_t<T>, What>;

/// All values of an enumeration: `static constexpr std::array all`.
template <class T>
struct Choices;

template <>
struct Choices<ec> {
  static constexpr auto all = [] {
    auto result = std::array<ec, static_cast<size_t>(ec::internal)>{};
    for (auto i = size_t{0}; i < result.size(); ++i)
      result[i] = static_cast<ec>(i + 1);
    return result;
  }();
};

template <class F>
void each_field(F& f, Is<Error> auto& x) {
  f("code", x.code);
  f("subject", x.subject);
  f("reason", x.reason);
  f("next", x.next);
}

class Writer {
public:
  template <class T>
  void operator()(const char* key, const T& value) {
    json[key] = to_json(value);
  }

  template <class T>
  void optional(const char* key, const T& value) {
    (*this)(key, value);
  }

  Json json = Json::object();

private:
  template <class T>
  static Json to_json(const T& value) {
    if constexpr (std::is_enum_v<T>) {
      return to_string(value);
    } else if constexpr (std::is_same_v<T, Timestamp>) {
      return to_string(value);
    } else if constexpr (std::is_same_v<T, std::chrono::steady_clock::time_point>) {
      return value.time_since_epoch().count();
    } else if constexpr (requires { value.count(); value.zero(); }) {
      return value.count();
    } else if constexpr (requires { value.has_value(); }) {
      return value ? to_json(*value) : Json{};
    } else if constexpr (std::is_constructible_v<Json, const T&>) {
      return value;
    } else if constexpr (requires { value.begin(); }) {
      auto result = Json::array();
      for (const auto& element : value)
        result.push_back(to_json(element));
      return result;
    } else {
      auto fields = Writer{};
      each_field(fields, value);
      return std::move(fields.json);
    }
  }
};

/// Reads the fields of one object; after the first that is wrong, nothing more.
class Reader {
public:
  /// `fault` is where what is wrong is told; empty if nothing is.
  Reader(const Json& json, std::string path, std::string& fault) : json_(json), path_(std::move(path)), fault_(fault) {
    if (!json_.is_object())
      reject(path_, "not an object");
  }

  template <class T>
  void operator()(const char* key, T& value) {
    field(key, value, true);
  }

  template <class T>
  void optional(const char* key, T& value) {
    field(key, value, false);
  }

private:
  template <class T>
  void field(const char* key, T& value, bool is_required) {
    if (!fault_.empty())
      return;
    auto path = path_.empty() ? std::string{key} : path_ + "." + key;
    if (auto found = json_.find(key); found != json_.end())
      read(*found, path, value);
    else if (is_required)
      reject(path, "missing");
  }

  void reject(const std::string& path, const char* why) {
    fault_ = path + ": " + why;
  }

  void read(const Json& json, const std::string& path, std::string& value) {
    if (!json.is_string())
      return reject(path, "not a text");
    value = json.get<std::string>();
  }

  void read(const Json& json, const std::string& path, bool& value) {
    if (!json.is_boolean())
      return reject(path, "neither true nor false");
    value = json.get<bool>();
  }

  template <std::unsigned_integral T>
  void read(const Json& json, const std::string& path, T& value) {
    if (!json.is_number_unsigned() || json.get<uint64_t>() > std::numeric_limits<T>::max())
      return reject(path, "not a count");
    value = json.get<T>();
  }

  template <std::signed_integral T>
  void read(const Json& json, const std::string& path, T& value) {
    auto fits = json.is_number_integer() && (!json.is_number_unsigned() || json.get<uint64_t>() <= INT64_MAX);
    auto number = fits ? json.get<int64_t>() : 0;
    if (!fits || number > std::numeric_limits<T>::max() || number < std::numeric_limits<T>::min())
      return reject(path, "not a whole number that fits");
    value = static_cast<T>(number);
  }

  template <class Rep, class Period>
  void read(const Json& json, const std::string& path, std::chrono::duration<Rep, Period>& value) {
    auto number = int64_t{0};
    read(json, path, number);
    value = std::chrono::duration<Rep, Period>{number};
  }

  void read(const Json& json, const std::string& path, std::chrono::steady_clock::time_point& value) {
    auto number = std::chrono::steady_clock::duration{};
    read(json, path, number);
    value = std::chrono::steady_clock::time_point{number};
  }

  template <class T>
    requires std::is_enum_v<T>
  void read(const Json& json, const std::string& path, T& value) {
    if (json.is_string())
      for (auto choice : Choices<T>::all)
        if (json.get_ref<const std::string&>() == to_string(choice)) {
          value = choice;
          return;
        }
    reject(path, "not a value that is known");
  }

  void read(const Json& json, const std::string& path, Timestamp& value) {
    auto text = std::string{};
    read(json, path, text);
    // That is how "not yet" is written.
    if (text.empty())
      return;
    if (auto time = parse_timestamp(text))
      value = *time;
    else
      reject(path, "not a time");
  }

  template <class T>
  void read(const Json& json, const std::string& path, std::optional<T>& value) {
    if (!json.is_null())
      read(json, path, value.emplace());
  }

  template <class T>
  void read(const Json& json, const std::string& path, std::vector<T>& value) {
    if (!json.is_array())
      return reject(path, "not a list");
    for (const auto& element : json) {
      if (!fault_.empty())
        return;
      read(element, path, value.emplace_back());
    }
  }

  template <class T>
  void read(const Json& json, const std::string& path, std::map<std::string, T>& value) {
    if (!json.is_object())
      return reject(path, "not an object");
    for (const auto& [key, element] : json.items())
      read(element, path, value[key]);
  }

  template <class T>
    requires std::is_class_v<T>
  void read(const Json& json, const std::string& path, T& value) {
    auto fields = Reader{json, path, fault_};
    if (fault_.empty())
      each_field(fields, value);
  }

  const Json& json_;
  std::string path_;
  std::string& fault_;
};

/// One object as a text; what is not UTF-8 in it is replaced.
template <class T>
std::string render_fields(const T& value, int indent = -1) {
  auto fields = Writer{};
  each_field(fields, value);
  return fields.json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

/// What is wrong with the text; empty if nothing is, and then `value` is complete.
template <class T>
std::string parse_fields(std::string_view text, T& value) {
  auto json = Json::parse(text, nullptr, false);
  if (!json.is_object())
    return "not a JSON object";
  auto fault = std::string{};
  auto fields = Reader{json, {}, fault};
  each_field(fields, value);
  return fault;
}

} // namespace berth::json_fields
