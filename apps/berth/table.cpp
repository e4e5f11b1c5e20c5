#include "apps/berth/table.hpp"

#include "apps/berth/format.hpp"

#include <algorithm>

namespace berth::cli {

std::string coloured(const std::string& text, Tone tone) {
  switch (tone) {
    case Tone::plain: return text;
    case Tone::good: return "\x1b[32m" + text + "\x1b[0m";
    case Tone::warning: return "\x1b[33m" + text + "\x1b[0m";
    case Tone::bad: return "\x1b[31m" + text + "\x1b[0m";
    case Tone::faint: return "\x1b[2m" + text + "\x1b[0m";
  }
  return text;
}

Table::Table(std::vector<Column> columns) : columns_(std::move(columns)) {
  // nop
}

void Table::add(std::vector<Cell> row) {
  row.resize(columns_.size());
  for (auto& cell : row)
    cell.text = cell.text.empty() ? "-" : printable(cell.text);
  rows_.push_back(std::move(row));
}

std::string Table::render(bool in_colour) const {
  auto titles = std::vector<Cell>{};
  auto widths = std::vector<size_t>{};
  for (auto& column : columns_) {
    titles.push_back({column.title, Tone::plain});
    widths.push_back(width(column.title));
  }
  for (auto& row : rows_)
    for (size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], width(row[i].text));
  auto result = std::string{};
  auto add_line = [&](const std::vector<Cell>& row) {
    for (size_t i = 0; i < row.size(); ++i) {
      auto padding = std::string(widths[i] - width(row[i].text), ' ');
      auto text = in_colour ? coloured(row[i].text, row[i].tone) : row[i].text;
      if (columns_[i].right_aligned)
        result += padding + text;
      else if (i + 1 < row.size())
        result += text + padding;
      else
        result += text;
      result += i + 1 < row.size() ? "  " : "\n";
    }
  };
  add_line(titles);
  for (auto& row : rows_)
    add_line(row);
  return result;
}

} // namespace berth::cli
