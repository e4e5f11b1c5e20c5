#pragma once

#include "messages/error.hpp"
#include "runtimes/linux/unique_fd.hpp"

#include <string>
#include <string_view>

/// Files and directories. The `_at` functions name files below a held directory, so that nobody can
/// put another directory in its place between two calls; none of them follows a link in the last
/// component. All errors are `system_error`.
namespace berth {

/// Permission bits of files that only the node's own processes read.
constexpr unsigned private_file_mode = 0600;
constexpr unsigned private_directory_mode = 0700;

/// Does a write have to outlive a power failure, or only its process?
enum class Durability { process, disk };

/// Fails as well if the file holds more than `limit` bytes.
Result<std::string> read_file(const std::string& path, size_t limit);
Result<std::string> read_file_at(const UniqueFd& directory, const std::string& name, size_t limit);

/// Writes to a file that exists, in one write as kernel files (cgroups, /proc) need it.
Result<void> write_file(const std::string& path, std::string_view text);
Result<void> write_file_at(const UniqueFd& directory, const std::string& name,
                           std::string_view text);

/// Makes the file or puts a new one in its place, at once: readers see the old text or the new one,
/// also after a crash.
Result<void> replace_file(const std::string& path, std::string_view text, unsigned mode,
                          Durability durability);
Result<void> replace_file_at(const UniqueFd& directory, const std::string& name,
                             std::string_view text, unsigned mode, Durability durability);

/// Holds a directory, for the `_at` functions only (O_PATH).
Result<UniqueFd> open_directory(const std::string& path);

/// Makes the directory and those above it that are missing. One that exists keeps its mode.
Result<void> make_directories(const std::string& path, unsigned mode);

/// True for a directory and for a link to one.
bool is_directory(const std::string& path);

/// Removes a file, or a directory with all that is in it, however deep. Follows no link, and leaves
/// alone (with an error) whatever something is mounted on. Nothing there is success.
Result<void> remove_tree(const std::string& path);
Result<void> remove_tree_at(const UniqueFd& directory, const std::string& name);

} // namespace berth
