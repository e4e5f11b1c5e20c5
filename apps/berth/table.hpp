#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace berth::cli {

/// How a cell is coloured on a terminal.
enum class Tone : uint8_t { plain, good, warning, bad, faint };

/// `text` in the colour of `tone`.
std::string coloured(const std::string& text, Tone tone);

struct Cell {
  std::string text;
  Tone tone = Tone::plain;
};

struct Column {
  std::string title;
  bool right_aligned = false;
};

/// Rows in aligned columns. Cells are made printable; empty ones are shown as "-".
class Table {
public:
  explicit Table(std::vector<Column> columns);

  /// One cell for each column.
  void add(std::vector<Cell> row);

  /// With a line of titles; every line ends with a newline and has no spaces before it.
  std::string render(bool in_colour) const;

private:
  std::vector<Column> columns_;
  std::vector<std::vector<Cell>> rows_;
};

} // namespace berth::cli
