#include "config/settled_read.hpp"

#include <algorithm>

namespace berth {
namespace {

/// An editor replaces a file in no time; something that goes on writing is not done yet.
constexpr auto most_reads = 4;

/// The first file that is not the same in both.
std::string changed_file(const std::string& path, const ReadResult& before, const ReadResult& after) {
  if (!before || !after)
    return path;
  auto [old_one, new_one] = std::mismatch(before->begin(), before->end(), after->begin(), after->end());
  return new_one != after->end() ? new_one->file : old_one->file;
}

} // namespace

ReadResult read_settled(const std::string& path, const std::function<ReadResult()>& read) {
  auto last = read();
  for (auto reads = 2;; ++reads) {
    auto next = read();
    if (next == last)
      return next;
    if (reads == most_reads)
      return tl::unexpected{std::vector{
          ConfigError{{changed_file(path, last, next), 0, 0},
                      {},
                      "changes while it is read; try again when it is complete, or write another file and rename it"}}};
    last = std::move(next);
  }
}

} // namespace berth
