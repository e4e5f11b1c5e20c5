#include "apps/berth/host_order.hpp"

#include "runtimes/node_paths.hpp"

#include <filesystem>

namespace berth::cli {

std::string root_of(const std::string& address) {
  constexpr auto scheme = std::string_view{"unix://"};
  constexpr auto name = std::string_view{"/berth.sock"};
  auto path = address.starts_with(scheme) ? address.substr(scheme.size()) : address;
  if (path == node_paths("").socket || !path.ends_with(name))
    return {};
  return path.substr(0, path.size() - name.size());
}

ExamineOrder host_order(const std::string& address, const DoctorOptions& options) {
  auto order = ExamineOrder{};
  auto paths = node_paths(root_of(address));
  order.places.run_directory = paths.run_directory;
  order.places.state_directory = paths.state_directory;
  order.places = places_below(options.prefix, order.places);
  order.config_is_default = options.config.empty();
  order.config = options.config.empty() ? default_config : options.config;
  auto error = std::error_code{};
  auto temporary = std::filesystem::temp_directory_path(error);
  if (!error && temporary.is_absolute())
    order.trial_parent = temporary.lexically_normal().string();
  order.monitor = options.monitor;
  order.all_platforms = options.all_platforms;
  if (options.timeout_ms)
    order.timeout = std::chrono::milliseconds{*options.timeout_ms};
  order.wanted = options.checks;
  return order;
}

} // namespace berth::cli
