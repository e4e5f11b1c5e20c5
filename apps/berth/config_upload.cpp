#include "apps/berth/config_upload.hpp"

#include "config/load_settings.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

namespace berth::cli {

namespace {

/// An editor replaces a file in no time; something that goes on writing is not done yet.
constexpr auto attempts = 3;

bool same(const std::vector<ConfigText>& a, const std::vector<ConfigText>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const auto& x, const auto& y) { return x.file == y.file && x.text == y.text; });
}

tl::unexpected<Failure> invalid(const std::vector<ConfigError>& errors) {
  return fail("invalid_config", render(errors));
}

} // namespace

Answer<std::string> read_config_upload(const std::string& path) {
  auto texts = read_config_files(path);
  for (auto attempt = 1; texts; ++attempt) {
    auto again = read_config_files(path);
    if (!again)
      return invalid(again.error());
    if (same(*texts, *again))
      break;
    if (attempt == attempts)
      return fail("invalid_config", path + ": it changes while it is read; try again when it is complete");
    texts = std::move(again);
  }
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
