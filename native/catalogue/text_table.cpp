// Text tables: CSV (RFC 4180, a line break inside quotes excepted) and columns between blanks, with or without a line of
// names, which may be a comment. What stands before the first row of data and is no row itself is a heading.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "catalogue/input.h"
#include "catalogue/text_layout.h"
#include "catalogue/whole_numbers.h"

namespace otf::catalogue {
namespace {

constexpr size_t kPieceBytes = size_t{4} << 20;
/// Of which types and names are guessed.
constexpr size_t kSampleBytes = size_t{256} << 10;

class TextReader {
 public:
  TextReader(const Input& input, TextLayout layout, const ColumnFilter& wanted, const CatalogueLimits& limits,
             uint64_t begin)
      : input_(input), layout_(std::move(layout)), begin_(begin), limits_(limits), splitter_(layout_.comma) {
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
    uint64_t offset = begin_;
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
    const std::string_view text = lineOf(raw);
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
    addCell(column, cell, value);
  }

  const Input& input_;
  TextLayout layout_;
  const uint64_t begin_;  // behind a mark of UTF-8
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
  std::string_view text(sample.data(), got);
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  const size_t begin = text.starts_with(kByteOrderMark) ? kByteOrderMark.size() : 0;
  text.remove_prefix(begin);
  const TextLayout layout = layoutOf(text, got == input.size(), input, limits);
  return TextReader(input, layout, wanted, limits, begin).read();
}

}  // namespace otf::catalogue
