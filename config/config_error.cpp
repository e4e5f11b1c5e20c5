#include "config/config_error.hpp"

#include <algorithm>
#include <tuple>

namespace berth {
namespace {

/// More than anybody reads at once, less than hurts.
constexpr size_t max_errors = 100;

/// `path` as it is shown: without `worker` above a pool, and nothing in it that could break the
/// line. Keys come from the file, so they may contain anything.
std::string shown(std::string_view path) {
  constexpr auto above_pools = std::string_view{"worker.pools."};
  if (path.starts_with(above_pools))
    path.remove_prefix(std::string_view{"worker."}.size());
  auto result = std::string{path};
  for (auto& c : result)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      c = '?';
  return result;
}

} // namespace

void ErrorList::add(Origin where, std::string path, std::string what) {
  if (errors_.size() < max_errors)
    errors_.push_back({std::move(where), std::move(path), std::move(what)});
  else
    ++not_kept_;
}

std::vector<ConfigError> ErrorList::sorted(const std::vector<std::string>& files) && {
  auto place = [&](const ConfigError& error) {
    auto file = std::find(files.begin(), files.end(), error.where.file);
    return std::tuple{file, error.where.line, error.where.column};
  };
  std::stable_sort(errors_.begin(), errors_.end(),
                   [&](const ConfigError& a, const ConfigError& b) { return place(a) < place(b); });
  if (not_kept_ != 0)
    errors_.push_back({{}, {}, std::to_string(not_kept_) + " more errors are not shown"});
  return std::move(errors_);
}

std::string render(const ConfigError& error) {
  auto result = std::string{};
  if (!error.where.file.empty())
    result += to_string(error.where) + ": ";
  if (!error.path.empty())
    result += shown(error.path) + ": ";
  return result + error.what;
}

std::string render(const std::vector<ConfigError>& errors) {
  auto result = std::string{};
  for (const auto& error : errors) {
    if (!result.empty())
      result += '\n';
    result += render(error);
  }
  return result;
}

Error to_error(const std::vector<ConfigError>& errors) {
  return {ec::invalid_config, "configuration", render(errors), {}};
}

std::string join_path(std::string_view parent, std::string_view key) {
  auto result = std::string{parent};
  if (!result.empty())
    result += '.';
  result += key;
  return result;
}

} // namespace berth
