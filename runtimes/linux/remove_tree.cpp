#include "runtimes/linux/file.hpp"
#include "runtimes/linux/sys_error.hpp"

#include <cstdio>
#include <memory>
#include <optional>

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace berth {

namespace {

struct CloseDirectory {
  void operator()(DIR* directory) const {
    ::closedir(directory);
  }
};

using Directory = std::unique_ptr<DIR, CloseDirectory>;

/// Opens a directory right below `parent`: never through a link, never the root of another mount.
Directory open_below(int parent, const char* name) {
  auto how = open_how{};
  how.flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  how.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV;
  auto fd = UniqueFd{static_cast<int>(::syscall(SYS_openat2, parent, name, &how, sizeof(how)))};
  if (!fd)
    return nullptr;
  auto directory = Directory{::fdopendir(fd.get())};
  if (directory)
    fd.release();
  return directory;
}

bool is_dot(const char* name) {
  return name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

/// Removes a file or an empty directory. False with errno set if that was not possible.
bool unlink_any(int directory, const char* name) {
  if (::unlinkat(directory, name, 0) == 0 || errno == ENOENT)
    return true;
  if (errno != EISDIR && errno != EPERM)
    return false;
  return ::unlinkat(directory, name, AT_REMOVEDIR) == 0 || errno == ENOENT;
}

/// After `unlink_any`: is it a directory that is not empty?
bool is_full_directory() {
  return errno == ENOTEMPTY || errno == EEXIST;
}

/// Empties one directory with two open descriptors, however deep it is. What is in a subdirectory
/// and cannot be removed at once is moved up into the directory itself under a fresh name; thus the
/// depth shrinks by one with each pass.
class TreeRemover {
public:
  explicit TreeRemover(Directory top) : top_(std::move(top)) {
    // nop
  }

  Result<void> run() {
    do {
      changed_ = false;
      error_.reset();
      for_each(top_.get(), [this](const char* name) { remove_entry(name); });
      // Entries that appear during a pass may or may not be seen by it; only a pass that saw
      // nothing is the last one.
    } while (changed_);
    if (error_)
      return failure(std::move(*error_));
    return {};
  }

private:
  template <class F>
  void for_each(DIR* directory, F visit) {
    ::rewinddir(directory);
    while (auto entry = ::readdir(directory))
      if (!is_dot(entry->d_name))
        visit(entry->d_name);
  }

  void remove_entry(const char* name) {
    auto top = ::dirfd(top_.get());
    if (unlink_any(top, name)) {
      changed_ = true;
      return;
    }
    if (!is_full_directory()) {
      note("unlink", name);
      return;
    }
    auto below = open_below(top, name);
    if (!below) {
      note("open", name);
      return;
    }
    for_each(below.get(), [&](const char* inner) {
      auto from = ::dirfd(below.get());
      if (unlink_any(from, inner) || (is_full_directory() && move_up(from, inner)))
        changed_ = true;
      else
        note("unlink", std::string{name} + "/" + inner);
    });
    if (::unlinkat(top, name, AT_REMOVEDIR) == 0)
      changed_ = true;
  }

  bool move_up(int from, const char* name) {
    char fresh[32];
    do {
      std::snprintf(fresh, sizeof(fresh), ".remove-%llu", ++moved_);
      if (::renameat2(from, name, ::dirfd(top_.get()), fresh, RENAME_NOREPLACE) == 0)
        return true;
    } while (errno == EEXIST);
    return false;
  }

  void note(const char* call, const std::string& name) {
    auto error = sys_error(call, name);
    if (!error_)
      error_ = std::move(error);
  }

  Directory top_;
  unsigned long long moved_ = 0;
  bool changed_ = false;
  std::optional<Error> error_;
};

} // namespace

Result<void> remove_tree(const std::string& path) {
  auto trimmed = path.substr(0, path.find_last_not_of('/') + 1);
  if (trimmed.empty())
    return failure(ec::system_error, "remove_tree \"" + path + "\"", "refused");
  auto slash = trimmed.rfind('/');
  auto name = trimmed.substr(slash == std::string::npos ? 0 : slash + 1);
  auto parent_path = slash == std::string::npos ? std::string{"."} : trimmed.substr(0, slash + 1);
  if (name == "." || name == "..")
    return failure(ec::system_error, "remove_tree \"" + path + "\"", "refused");
  auto parent = UniqueFd{::open(parent_path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
  if (!parent && errno == ENOENT)
    return {};
  if (!parent)
    return failure(sys_error("open", parent_path));
  return remove_tree_at(parent, name);
}

Result<void> remove_tree_at(const UniqueFd& directory, const std::string& name) {
  if (name.empty() || name == "." || name == ".." || name.find('/') != std::string::npos)
    return failure(ec::system_error, "remove_tree \"" + name + "\"", "refused");
  if (unlink_any(directory.get(), name.c_str()))
    return {};
  if (!is_full_directory())
    return failure(sys_error("unlink", name));
  auto top = open_below(directory.get(), name.c_str());
  if (!top)
    return failure(sys_error("open", name));
  if (auto emptied = TreeRemover{std::move(top)}.run(); !emptied)
    return emptied;
  if (!unlink_any(directory.get(), name.c_str()))
    return failure(sys_error("rmdir", name));
  return {};
}

} // namespace berth
