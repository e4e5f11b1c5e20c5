#pragma once

#include <string>

namespace berth::test {

/// A directory with a root file system of busybox, some users, and the program `inside` (see tests/fakes); made once per run
/// and removed at its end. Users: root, worker (1000:1000, also in the group extra, 2000).
const std::string& test_rootfs();

/// Path of a program that the build made.
std::string built_program(const std::string& name);

/// Names, modes, sizes, times and contents of everything below a directory as one text, to see whether anything changed.
std::string fingerprint(const std::string& directory);

} // namespace berth::test
