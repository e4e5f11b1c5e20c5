#include "runtimes/runtime_id.hpp"

#include <algorithm>
#include <random>

namespace berth {

namespace {

constexpr auto base32 = std::string_view{"abcdefghijklmnopqrstuvwxyz234567"};
constexpr size_t letters = 26;

} // namespace

std::string make_runtime_id() {
  auto source = std::random_device{};
  auto pick = [&](size_t n) {
    return base32[std::uniform_int_distribution<size_t>{0, n - 1}(source)];
  };
  auto result = std::string{pick(letters)};
  while (result.size() < runtime_id_length)
    result += pick(base32.size());
  return result;
}

bool is_runtime_id(std::string_view text) {
  auto known = [](char c) { return base32.find(c) != std::string_view::npos; };
  return text.size() == runtime_id_length && base32.find(text.front()) < letters
         && std::all_of(text.begin(), text.end(), known);
}

std::string runtime_id_of_state(std::string_view name) {
  constexpr auto socket_prefix = std::string_view{"runsc-"};
  if (name.starts_with(socket_prefix))
    name.remove_prefix(socket_prefix.size());
  auto id = name.substr(0, runtime_id_length);
  return is_runtime_id(id) ? std::string{id} : std::string{};
}

} // namespace berth
