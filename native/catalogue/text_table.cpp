// Text tables: CSV (RFC 4180, a line break inside quotes excepted) and columns between blanks, with or without a line of
// names, which may be a comment. What stands before the first row of data and is no row itself is a heading.
#include <algorithm>
#include <cctype>
#include <cstring>
#include <memory>
#include <optional>

#include "catalogue/input.h"

namespace otf::catalogue {
namespace {

constexpr size_t kPieceBytes = size_t{4} << 20;
/// Of which types and names are guessed.
constexpr size_t kSampleBytes = size_t{256} << 10;

using Cells = std::vector<std::string_view>;

std::string_view trimmed(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

/// `unquoted` keeps what had doubled quotes; cells are views into it or the line.
class Splitter {
 public:
  explicit Splitter(char comma) : comma_(comma) {}

  /// Cells of a line; '\0' as comma = blanks between.
  const Cells& split(std::string_view line) {
    cells_.clear();
    unquoted_.clear();
    if (comma_ == '\0') {
      splitBlanks(line);
    } else {
      splitCommas(line);
    }
    return cells_;
  }

 private:
  void splitBlanks(std::string_view line) {
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

  void splitCommas(std::string_view line) {
    size_t at = 0;
    while (true) {
      size_t from = at;
      while (from < line.size() && (line[from] == ' ' || line[from] == '\t')) ++from;
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
  size_t quoted(std::string_view line, size_t from) {
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

  char comma_;
  Cells cells_;
  std::vector<std::unique_ptr<std::string>> unquoted_;
};

bool isRow(const Cells& cells) {
  double ignored = 0;
  return std::ranges::any_of(
      cells, [&](std::string_view cell) { return !cell.empty() && parseCell(cell, ignored); });
}

/// What the first lines tell of the rest.
struct Layout {
  char comma = '\0';
  std::vector<std::string> names;
  bool named = false;
  std::vector<bool> isText;
  double bytesPerRow = 64;
  size_t firstRow = 0;  // lines before it are headings
};

class Sampler {
 public:
  Sampler(const Input& input, const CatalogueLimits& limits) : input_(input), limits_(limits) {}

  Layout layout(std::string_view sample, bool whole) {
    std::vector<std::string_view> lines;
    while (!sample.empty()) {
      const size_t end = sample.find('\n');
      if (end == std::string_view::npos && !whole) break;
      lines.push_back(trimmed(sample.substr(0, end)));
      sample.remove_prefix(end == std::string_view::npos ? sample.size() : end + 1);
    }
    Layout layout;
    const size_t first = layout.firstRow = firstRow(lines, layout);
    nameColumns(lines, first, layout);
    findTypes(lines, first, layout);
    return layout;
  }

 private:
  static bool isComment(std::string_view line) { return line.starts_with('#'); }

  /// The first line with a number in it that is no comment and has as many cells as the next.
  size_t firstRow(const std::vector<std::string_view>& lines, Layout& layout) {
    for (size_t i = 0; i < lines.size(); ++i) {
      if (lines[i].empty() || isComment(lines[i])) continue;
      const char comma = lines[i].find(',') == std::string_view::npos ? '\0' : ',';
      Splitter here(comma), next(comma);
      const Cells cells = here.split(lines[i]);
      if (!isRow(cells)) continue;
      size_t after = i + 1;
      while (after < lines.size() && (lines[after].empty() || isComment(lines[after]))) ++after;
      if (after < lines.size() && next.split(lines[after]).size() != cells.size()) continue;
      if (cells.size() > static_cast<size_t>(limits_.maxColumns))
        input_.fail("it has more than " + std::to_string(limits_.maxColumns) + " columns");
      layout.comma = comma;
      layout.isText.resize(cells.size());
      return i;
    }
    // Names alone are a table without rows.
    for (size_t i = 0; i < lines.size(); ++i) {
      if (lines[i].empty() || isComment(lines[i]) || lines[i].find(',') == std::string_view::npos) continue;
      layout.comma = ',';
      layout.isText.resize(Splitter(',').split(lines[i]).size());
      return i + 1;
    }
    input_.fail("no line of it is a row of numbers");
  }

  static void nameColumns(const std::vector<std::string_view>& lines, size_t first, Layout& layout) {
    const size_t columns = layout.isText.size();
    Splitter splitter(layout.comma);
    for (size_t i = first; i-- > 0 && !layout.named;) {
      std::string_view line = lines[i];
      while (line.starts_with('#')) line.remove_prefix(1);
      const Cells& cells = splitter.split(line);
      if (cells.size() != columns || isRow(cells)) continue;
      for (const std::string_view cell : cells) layout.names.emplace_back(cell);
      layout.named = true;
    }
    for (size_t i = layout.names.size(); i < columns; ++i)
      layout.names.push_back("col" + std::to_string(i + 1));
  }

  static void findTypes(const std::vector<std::string_view>& lines, size_t first, Layout& layout) {
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

class TextReader {
 public:
  TextReader(const Input& input, Layout layout, const ColumnFilter& wanted, const CatalogueLimits& limits)
      : input_(input), layout_(std::move(layout)), limits_(limits), splitter_(layout_.comma) {
    table_.label = input.label();
    table_.format = "text";
    table_.named = layout_.named;
    const double rows = static_cast<double>(input.size()) / layout_.bytesPerRow * 1.02 + 16;
    const auto room = static_cast<size_t>(std::min(rows, static_cast<double>(limits.maxRows)));
    for (size_t c = 0; c < layout_.names.size(); ++c) {
      if (!wanted(c, layout_.names[c])) continue;
      CatalogueColumn column;
      column.name = layout_.names[c];
      column.isText = layout_.isText[c];
      if (!column.isText) column.numbers.reserve(room);
      table_.columns.push_back(std::move(column));
      at_.push_back(c);
    }
  }

  Catalogue read() {
    std::string piece(kPieceBytes, '\0');
    size_t kept = 0;
    uint64_t offset = 0;
    while (true) {
      const size_t got = input_.read(offset, std::span(piece).subspan(kept));
      offset += got;
      const std::string_view bytes(piece.data(), kept + got);
      size_t from = 0;
      for (size_t end = 0; (end = bytes.find('\n', from)) != std::string_view::npos; from = end + 1)
        line(bytes.substr(from, end - from));
      if (got == 0) {
        line(bytes.substr(from));
        return std::move(table_);
      }
      kept = bytes.size() - from;
      if (kept == piece.size()) input_.fail("line " + std::to_string(number_ + 1) + " is too long");
      std::memmove(piece.data(), piece.data() + from, kept);
    }
  }

 private:
  void line(std::string_view raw) {
    ++number_;
    const std::string_view text = trimmed(raw);
    if (text.empty() || text.starts_with('#')) return;
    if (static_cast<size_t>(number_) <= layout_.firstRow) return;
    const Cells& cells = splitter_.split(text);
    if (cells.size() != layout_.names.size()) {
      input_.fail("line " + std::to_string(number_) + " has " + std::to_string(cells.size()) +
                  " cells, not " + std::to_string(layout_.names.size()));
    }
    if (table_.rows == limits_.maxRows)
      input_.fail("it has more than " + std::to_string(limits_.maxRows) + " rows");
    ++table_.rows;
    for (size_t c = 0; c < at_.size(); ++c) add(table_.columns[c], cells[at_[c]]);
  }

  void add(CatalogueColumn& column, std::string_view cell) {
    if (column.isText) {
      column.texts.emplace_back(cell);
      return;
    }
    double value = 0;
    if (!parseCell(cell, value)) {
      constexpr size_t kShown = 32;
      input_.fail("line " + std::to_string(number_) + ", column " + column.name + ": '" +
                  std::string(cell.substr(0, kShown)) + "' is no number");
    }
    column.numbers.push_back(value);
  }

  const Input& input_;
  Layout layout_;
  const CatalogueLimits& limits_;
  Splitter splitter_;
  Catalogue table_;
  std::vector<size_t> at_;  // of each column read, its place in the file
  int64_t number_ = 0;
};

}  // namespace

Catalogue readText(const Input& input, const ColumnFilter& wanted, const CatalogueLimits& limits) {
  std::string sample(kSampleBytes, '\0');
  const size_t got = input.read(0, sample);
  if (std::memchr(sample.data(), 0, got)) input.fail("it is no text, VOTable or FITS");
  const Layout layout = Sampler(input, limits).layout({sample.data(), got}, got == input.size());
  return TextReader(input, layout, wanted, limits).read();
}

}  // namespace otf::catalogue
