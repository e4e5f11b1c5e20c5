#include "apps/berth/line_splitter.hpp"

namespace berth::cli {

bool LineSplitter::feed(std::string_view bytes, const std::function<bool(std::string_view)>& on_line) {
  for (auto end = bytes.find('\n'); end != std::string_view::npos; end = bytes.find('\n')) {
    auto line = bytes.substr(0, end);
    bytes.remove_prefix(end + 1);
    if (!rest_.empty()) {
      rest_ += line;
      line = rest_;
    }
    if (line.ends_with('\r'))
      line.remove_suffix(1);
    if (!line.empty() && !on_line(line))
      return false;
    rest_.clear();
  }
  rest_ += bytes;
  return !overflowed();
}

} // namespace berth::cli
