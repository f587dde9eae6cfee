#include "catalogue/text_layout.h"

#include <algorithm>
#include <optional>

namespace otf::catalogue {
namespace {

bool isRow(const Cells& cells) {
  double ignored = 0;
  return std::ranges::any_of(
      cells, [&](std::string_view cell) { return !cell.empty() && parseCell(cell, ignored); });
}

class Sampler {
 public:
  Sampler(const Input& input, const CatalogueLimits& limits) : input_(input), limits_(limits) {}

  TextLayout layout(std::string_view sample, bool whole) {
    std::vector<std::string_view> lines;
    while (!sample.empty()) {
      const size_t end = sample.find('\n');
      if (end == std::string_view::npos && !whole) break;
      lines.push_back(lineOf(sample.substr(0, end)));
      sample.remove_prefix(end == std::string_view::npos ? sample.size() : end + 1);
    }
    TextLayout layout;
    layout.firstRow = firstRow(lines, layout);
    nameColumns(lines, layout);
    refuseLostRows(lines, layout);
    findTypes(lines, layout.firstRow, layout);
    return layout;
  }

 private:
  static bool isComment(std::string_view line) { return line.starts_with('#'); }

  /// Commas wherever there is one. Tabs where the line above has as many: cells between them may be empty, or of two words.
  static char separatorOf(const std::vector<std::string_view>& lines, size_t row) {
    if (lines[row].find(',') != std::string_view::npos) return ',';
    size_t above = row;
    while (above > 0 && lines[above - 1].empty()) --above;
    if (above == 0) return '\0';
    const std::string_view names = withoutMark(lines[above - 1]);
    const auto tabs = [](std::string_view line) { return std::ranges::count(line, '\t'); };
    if (tabs(lines[row]) == 0 || tabs(names) != tabs(lines[row])) return '\0';
    // Tabs and blanks mixed at will: the words are as many, and more than what is between tabs.
    Splitter words('\0');
    const size_t cells = static_cast<size_t>(tabs(names)) + 1, named = words.split(names).size();
    return named == cells || named != words.split(lines[row]).size() ? '\t' : '\0';
  }

  /// The first line with a number in it that is no comment and has as many cells as the next.
  size_t firstRow(const std::vector<std::string_view>& lines, TextLayout& layout) {
    for (size_t i = 0; i < lines.size(); ++i) {
      if (lines[i].empty() || isComment(lines[i])) continue;
      const char comma = separatorOf(lines, i);
      Splitter here(comma), next(comma);
      const Cells cells = here.split(lines[i]);
      if (!isRow(cells)) continue;
      size_t after = i + 1;
      while (after < lines.size() && (lines[after].empty() || isComment(lines[after]))) ++after;
      if (after < lines.size() && next.split(lines[after]).size() != cells.size()) continue;
      layout.comma = comma;
      takeColumns(cells.size(), layout);
      return i;
    }
    // Names alone are a table without rows.
    for (size_t i = 0; i < lines.size(); ++i) {
      if (lines[i].empty() || isComment(lines[i]) || lines[i].find(',') == std::string_view::npos) continue;
      layout.comma = ',';
      takeColumns(Splitter(',').split(lines[i]).size(), layout);
      return i + 1;
    }
    input_.fail("no line of it is a row of numbers");
  }

  void takeColumns(size_t count, TextLayout& layout) {
    if (count > static_cast<size_t>(limits_.maxColumns))
      input_.fail("it has more than " + std::to_string(limits_.maxColumns) + " columns");
    layout.isText.resize(count);
  }

  /// Between blanks, the words nearest above the rows; between commas the first line of as many cells: what comes after it is
  /// rows, even one without a number. A line of comment where there is no other. Or the first row itself, when half of its
  /// columns have numbers everywhere but there: names may be numbers, too (1400).
  static void nameColumns(const std::vector<std::string_view>& lines, TextLayout& layout) {
    std::optional<size_t> names, comment;
    Splitter splitter(layout.comma);
    for (size_t i = layout.firstRow; i-- > 0;) {
      const bool remark = isComment(lines[i]);
      const Cells& cells = splitter.split(withoutMark(lines[i]));
      if (cells.size() != layout.isText.size() || isRow(cells)) continue;
      if (remark) {
        if (!comment) comment = i;
      } else if (!names || layout.comma != '\0') {
        names = i;
      }
    }
    if (names && layout.comma != '\0') layout.firstRow = *names + 1;
    if (!names) names = comment;
    if (!names && isHeader(lines, layout)) names = layout.firstRow++;
    layout.named = names.has_value();
    if (names) {
      for (const std::string_view cell : splitter.split(withoutMark(lines[*names])))
        layout.names.emplace_back(cell);
    }
    for (size_t i = layout.names.size(); i < layout.isText.size(); ++i)
      layout.names.push_back("col" + std::to_string(i + 1));
  }

  static std::string_view withoutMark(std::string_view line) {
    while (line.starts_with('#')) line.remove_prefix(1);
    return line;
  }

  static bool isHeader(const std::vector<std::string_view>& lines, const TextLayout& layout) {
    if (layout.firstRow >= lines.size()) return false;
    Splitter top(layout.comma), below(layout.comma);
    const Cells& names = top.split(lines[layout.firstRow]);
    double ignored = 0;
    std::vector<bool> isOdd(names.size());
    for (size_t c = 0; c < names.size(); ++c) isOdd[c] = !parseCell(names[c], ignored);
    size_t rows = 0;
    for (size_t i = layout.firstRow + 1; i < lines.size(); ++i) {
      if (lines[i].empty() || isComment(lines[i])) continue;
      ++rows;
      const Cells& cells = below.split(lines[i]);
      for (size_t c = 0; c < names.size(); ++c)
        isOdd[c] = isOdd[c] && c < cells.size() && !cells[c].empty() && parseCell(cells[c], ignored);
    }
    return rows > 0 && 2 * static_cast<size_t>(std::ranges::count(isOdd, true)) >= names.size();
  }

  /// A heading may hold numbers, but several and nothing else are a row.
  void refuseLostRows(const std::vector<std::string_view>& lines, const TextLayout& layout) {
    Splitter splitter(layout.comma);
    double ignored = 0;
    for (size_t i = 0; i < layout.firstRow; ++i) {
      if (lines[i].empty() || isComment(lines[i])) continue;
      const Cells& cells = splitter.split(lines[i]);
      const bool numbers =
          std::ranges::all_of(cells, [&](std::string_view cell) { return parseCell(cell, ignored); });
      if (cells.size() < 2 || cells.size() == layout.names.size() || !numbers) continue;
      input_.fail("line " + std::to_string(i + 1) + " has " + std::to_string(cells.size()) + " cells, not " +
                  std::to_string(layout.names.size()));
    }
  }

  static void findTypes(const std::vector<std::string_view>& lines, size_t first, TextLayout& layout) {
    Splitter splitter(layout.comma);
    size_t bytes = 0, rows = 0;
    for (size_t i = first; i < lines.size(); ++i) {
      if (lines[i].empty() || isComment(lines[i])) continue;
      bytes += lines[i].size() + 1;
      ++rows;
      const Cells& cells = splitter.split(lines[i]);
      double ignored = 0;
      for (size_t c = 0; c < std::min(cells.size(), layout.isText.size()); ++c)
        layout.isText[c] = layout.isText[c] || !parseCell(cells[c], ignored);
    }
    if (rows > 0) layout.bytesPerRow = static_cast<double>(bytes) / static_cast<double>(rows);
  }

  const Input& input_;
  const CatalogueLimits& limits_;
};

}  // namespace

std::string_view trimmed(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

std::string_view lineOf(std::string_view raw) {
  const std::string_view text = trimmed(raw);
  if (text.empty() || text.starts_with('#')) return text;
  const auto blank = [](char c) { return c == ' ' || c == '\r'; };
  while (blank(raw.front())) raw.remove_prefix(1);
  while (blank(raw.back())) raw.remove_suffix(1);
  return raw;
}

const Cells& Splitter::split(std::string_view line) {
  cells_.clear();
  unquoted_.clear();
  if (comma_ == '\0') {
    splitBlanks(line);
  } else {
    splitCommas(line);
  }
  return cells_;
}

void Splitter::splitBlanks(std::string_view line) {
  const char *at = line.data(), *end = at + line.size();
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
  while (true) {
    while (at < end && blank(*at)) ++at;
    if (at == end) return;
    const char* from = at;
    while (at < end && !blank(*at)) ++at;
    cells_.emplace_back(from, at - from);
  }
}

void Splitter::splitCommas(std::string_view line) {
  size_t at = 0;
  while (true) {
    size_t from = at;
    while (from < line.size() && (line[from] == ' ' || line[from] == '\t') && line[from] != comma_) ++from;
    if (from < line.size() && line[from] == '"') {
      at = quoted(line, from + 1);
    } else {
      at = std::min(line.find(comma_, at), line.size());
      cells_.push_back(trimmed(line.substr(from, at - from)));
    }
    if (at >= line.size()) return;
    ++at;
  }
}

/// Gives where its comma is, or the end of the line.
size_t Splitter::quoted(std::string_view line, size_t from) {
  auto text = std::make_unique<std::string>();
  size_t at = from;
  for (; at < line.size(); ++at) {
    if (line[at] == '"' && at + 1 < line.size() && line[at + 1] == '"') {
      ++at;
    } else if (line[at] == '"') {
      break;
    }
    text->push_back(line[at]);
  }
  cells_.emplace_back(*text);
  unquoted_.push_back(std::move(text));
  return std::min(line.find(comma_, std::min(at + 1, line.size())), line.size());
}

TextLayout layoutOf(std::string_view sample, bool whole, const Input& input, const CatalogueLimits& limits) {
  return Sampler(input, limits).layout(sample, whole);
}

}  // namespace otf::catalogue
