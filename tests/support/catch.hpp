#pragma once

// The only include of Catch2: version 2 (Debian 12) and version 3 (Ubuntu 24.04, Debian 13) have other headers, and the
// printers below must be visible in every test file alike.
#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
#endif

#include "messages/error.hpp"
#include "messages/types.hpp"

namespace Catch {

template <>
struct StringMaker<berth::Error> {
  static std::string convert(const berth::Error& x) {
    return berth::render(x);
  }
};

template <>
struct StringMaker<berth::ec> {
  static std::string convert(berth::ec x) {
    return berth::to_string(x);
  }
};

template <>
struct StringMaker<berth::RuntimeKind> {
  static std::string convert(berth::RuntimeKind x) {
    return berth::to_string(x);
  }
};

template <>
struct StringMaker<berth::ContainerId> {
  static std::string convert(const berth::ContainerId& x) {
    return x.value;
  }
};

template <class T>
struct StringMaker<tl::expected<T, berth::Error>> {
  static std::string convert(const tl::expected<T, berth::Error>& x) {
    if (!x)
      return "error: " + berth::render(x.error());
    if constexpr (std::is_void_v<T>)
      return "success";
    else
      return ::Catch::Detail::stringify(*x);
  }
};

} // namespace Catch
