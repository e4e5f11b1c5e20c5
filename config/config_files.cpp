#include "config/load_settings.hpp"

#include "config/settled_read.hpp"
#include "config/yaml_reader.hpp"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>

namespace berth {
namespace {

namespace fs = std::filesystem;

constexpr size_t max_drop_ins = max_config_files - 1;

/// Reads one file into `texts`, or says why not. Only regular files: anything else may block or
/// never end.
void read_file(const fs::path& path, std::vector<ConfigText>& texts,
               std::vector<ConfigError>& errors) {
  auto fail = [&](std::string what) {
    errors.push_back({{path.string(), 0, 0}, {}, std::move(what)});
  };
  auto error = std::error_code{};
  auto status = fs::status(path, error);
  if (!fs::exists(status))
    return fail(error && status.type() != fs::file_type::not_found ? error.message()
                                                                   : "no such file");
  if (fs::is_directory(status))
    return fail("is a directory, not a file");
  if (!fs::is_regular_file(status))
    return fail("is not a regular file");
  errno = 0;
  auto in = std::ifstream{path, std::ios::binary};
  if (!in)
    return fail("cannot be opened: " + std::generic_category().message(errno));
  // One byte more than is allowed, so that the reader can tell.
  auto text = std::string(max_config_file_size + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (in.bad())
    return fail("cannot be read: " + std::generic_category().message(errno));
  text.resize(static_cast<size_t>(in.gcount()));
  text.shrink_to_fit();
  texts.push_back({path.string(), std::move(text)});
}

/// The drop-ins in `directory` in the order of their names.
std::vector<fs::path> list_drop_ins(const fs::path& directory, std::vector<ConfigError>& errors) {
  auto result = std::vector<fs::path>{};
  auto fail = [&](std::string what) {
    errors.push_back({{directory.string(), 0, 0}, {}, std::move(what)});
  };
  auto error = std::error_code{};
  // Not followed: a link that leads nowhere is a broken deployment, and not the absence of one.
  if (fs::symlink_status(directory, error).type() == fs::file_type::not_found)
    return result;
  auto status = fs::status(directory, error);
  if (!fs::is_directory(status)) {
    fail(error ? error.message() : fs::exists(status) ? "is not a directory" : "is a link that leads nowhere");
    return result;
  }
  auto entry = fs::directory_iterator{directory, error};
  for (; !error && entry != fs::directory_iterator{}; entry.increment(error)) {
    auto name = entry->path().filename();
    auto is_hidden = name.string().starts_with('.');
    if (!is_hidden && (name.extension() == ".yaml" || name.extension() == ".yml"))
      result.push_back(entry->path());
  }
  if (error)
    fail("cannot be listed: " + error.message());
  if (result.size() > max_drop_ins) {
    fail("more than " + std::to_string(max_drop_ins) + " files");
    result.clear();
  }
  std::sort(result.begin(), result.end(), [](const fs::path& a, const fs::path& b) {
    return a.filename().string() < b.filename().string();
  });
  return result;
}

ReadResult read_once(const std::string& path) {
  auto texts = std::vector<ConfigText>{};
  auto errors = std::vector<ConfigError>{};
  auto file = fs::path{path};
  read_file(file, texts, errors);
  auto bytes = texts.empty() ? 0 : texts.front().text.size();
  for (const auto& drop_in : list_drop_ins(file.parent_path() / "conf.d", errors)) {
    auto known = texts.size();
    read_file(drop_in, texts, errors);
    bytes += texts.size() > known ? texts.back().text.size() : 0;
    if (auto objection = objection_to_size(texts.size(), bytes); !objection.empty()) {
      errors.push_back({{path, 0, 0}, {}, std::move(objection)});
      break;
    }
  }
  if (!errors.empty())
    return tl::unexpected{std::move(errors)};
  return texts;
}

} // namespace

ReadResult read_config_files(const std::string& path) {
  return read_settled(path, [&] { return read_once(path); });
}

} // namespace berth
