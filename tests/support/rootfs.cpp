#include "tests/support/rootfs.hpp"

#include "tests/support/command.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <sys/stat.h>

namespace fs = std::filesystem;

namespace berth::test {

namespace {

void write_text(const fs::path& path, const std::string& text) {
  fs::create_directories(path.parent_path());
  std::ofstream{path, std::ios::binary} << text;
}

fs::path find_busybox() {
  for (auto path : {"/bin/busybox", "/usr/bin/busybox"})
    if (fs::exists(path))
      return path;
  throw std::runtime_error("the tests need /bin/busybox (package busybox-static)");
}

class Rootfs {
public:
  Rootfs() {
    auto bin = root() / "bin";
    fs::create_directories(bin);
    fs::copy_file(find_busybox(), bin / "busybox");
    auto applets = run_program({(bin / "busybox").string(), "--list"});
    if (applets.code != 0)
      throw std::runtime_error("busybox --list: " + describe(applets));
    for (auto& applet : lines_of(applets.out))
      if (applet != "busybox")
        fs::create_symlink("busybox", bin / applet);
    fs::copy_file(built_program("inside"), bin / "inside");
    for (auto directory : {"proc", "sys", "dev", "tmp", "root", "data", "home/worker"})
      fs::create_directories(root() / directory);
    fs::permissions(root() / "tmp", fs::perms::all | fs::perms::sticky_bit);
    // The directory that holds everything must be open to users other than root.
    fs::permissions(dir_.path(), fs::perms{0755});
    write_text(root() / "etc/passwd", "root:x:0:0:root:/root:/bin/sh\nworker:x:1000:1000::/home/worker:/bin/sh\n");
    write_text(root() / "etc/group", "root:x:0:\nworker:x:1000:\nextra:x:2000:worker\n");
    write_text(root() / "etc/not-a-program", "#!/bin/sh\necho must not run\n");
    write_text(root() / "data/kept", "as it was\n");
  }

  fs::path root() const {
    return fs::path{dir_.path()} / "rootfs";
  }

private:
  TempDir dir_;
};

} // namespace

std::string built_program(const std::string& name) {
  // The VM runs the programs of another machine's build.
  auto directory = std::getenv("BERTH_BIN_DIR");
  return std::string{directory == nullptr ? BERTH_BIN_DIR : directory} + "/" + name;
}

const std::string& test_rootfs() {
  static const auto rootfs = Rootfs{};
  static const auto path = rootfs.root().string();
  return path;
}

std::string fingerprint(const std::string& directory) {
  auto items = std::vector<std::string>{};
  for (auto& entry : fs::recursive_directory_iterator{directory}) {
    struct stat info = {};
    if (::lstat(entry.path().c_str(), &info) != 0)
      continue;
    auto item = std::ostringstream{};
    item << entry.path().string() << ' ' << std::oct << info.st_mode << std::dec << ' ' << info.st_uid << ':' << info.st_gid
         << ' ' << info.st_mtim.tv_sec << '.' << info.st_mtim.tv_nsec;
    if (entry.is_symlink())
      item << " -> " << fs::read_symlink(entry.path()).string();
    else if (entry.is_regular_file())
      item << ' ' << info.st_size << ' ' << std::hash<std::string>{}(text_of(entry.path().string()));
    items.push_back(item.str());
  }
  std::sort(items.begin(), items.end());
  auto result = std::string{};
  for (auto& item : items)
    result += item + "\n";
  return result;
}

} // namespace berth::test
