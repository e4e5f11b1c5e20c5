#include "apps/berth/config_upload.hpp"

#include "config/load_settings.hpp"

#include <nlohmann/json.hpp>

namespace berth::cli {

namespace {

tl::unexpected<Failure> invalid(const std::vector<ConfigError>& errors) {
  return fail("invalid_config", render(errors));
}

} // namespace

Answer<std::string> read_config_upload(const std::string& path) {
  auto texts = read_config_files(path);
  if (!texts)
    return invalid(texts.error());
  if (auto settings = load_settings(*texts); !settings)
    return invalid(settings.error());
  auto files = nlohmann::ordered_json::array();
  for (const auto& text : *texts)
    files.push_back({{"name", text.file}, {"text", text.text}});
  // The texts are valid, but the name of a file may be any bytes.
  return files.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

} // namespace berth::cli
