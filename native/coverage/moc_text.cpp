// The two notations of a MOC as text.
#include <cctype>
#include <charconv>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include "coverage/moc.h"
#include "error/error.h"

namespace otf::coverage {
namespace {

class Reader {
 public:
  Reader(std::string_view text, const std::string& label) : text_(text), label_(label) {}

  Moc ascii() {
    int order = -1, finest = 0;
    while (skip(" \t\r\n,") < text_.size()) {
      if (text_[at_] == 's' && order < 0) {
        ++at_;
        continue;
      }
      const int64_t first = number();
      if (take('/')) {
        if (first > kMostOrder) fail("an order of it is above 29");
        order = static_cast<int>(first);
        finest = std::max(finest, order);
        continue;
      }
      if (order < 0) fail("it has cells before an order");
      add(order, first, take('-') ? number() : first);
    }
    if (order < 0) fail("it has no order");
    return {std::move(ranges_), finest};
  }

  Moc json() {
    int finest = -1;
    want('{');
    for (bool more = !take('}'); more;) {
      want('"');
      const int64_t order = number();
      want('"', false);
      if (order > kMostOrder) fail("an order of it is above 29");
      finest = std::max(finest, static_cast<int>(order));
      want(':');
      want('[');
      for (bool cells = !take(']'); cells; cells = more_(']')) {
        skip(kBlank);
        const int64_t cell = number();
        add(static_cast<int>(order), cell, cell);
      }
      more = more_('}');
    }
    if (skip(kBlank) < text_.size()) fail("it goes on behind its end");
    if (finest < 0) fail("it has no order");
    return {std::move(ranges_), finest};
  }

 private:
  static constexpr std::string_view kBlank = " \t\r\n";

  size_t skip(std::string_view blanks) {
    while (at_ < text_.size() && blanks.find(text_[at_]) != std::string_view::npos) ++at_;
    return at_;
  }

  bool take(char wanted) {
    if (skip(kBlank) >= text_.size() || text_[at_] != wanted) return false;
    ++at_;
    return true;
  }

  void want(char wanted, bool mayBeBlank = true) {
    if (mayBeBlank) skip(kBlank);
    if (at_ >= text_.size() || text_[at_] != wanted) fail(std::string("there is no ") + wanted);
    ++at_;
  }

  /// After an entry of a list: is there another before `end`?
  bool more_(char end) {
    if (take(',')) return true;
    want(end);
    return false;
  }

  int64_t number() {
    int64_t value = 0;
    const char *begin = text_.data() + at_, *end = text_.data() + text_.size();
    const auto [stop, error] = std::from_chars(begin, end, value);
    if (error != std::errc{} || *begin == '-') fail("there is no whole number");
    at_ += static_cast<size_t>(stop - begin);
    if (at_ < text_.size() && (std::isalpha(static_cast<unsigned char>(text_[at_])) || text_[at_] == '.'))
      fail("there is no whole number");
    return value;
  }

  void add(int order, int64_t first, int64_t last) {
    if (first > last || last >= cellsOf(order)) {
      fail("order " + std::to_string(order) + " has cells from 0 to " + std::to_string(cellsOf(order) - 1) +
           ", and ranges go upwards");
    }
    if (static_cast<int64_t>(ranges_.size()) == kMostCells)
      fail("it has more than " + std::to_string(kMostCells) + " cells and ranges");
    ranges_.push_back({rangeOf({order, first}).begin, rangeOf({order, last}).end});
  }

  [[noreturn]] void fail(const std::string& what) const {
    throw OtfError(Code::kMaskInvalid,
                   "cannot read the MOC " + label_ + ": at byte " + std::to_string(at_ + 1) + " " + what);
  }

  std::string_view text_;
  const std::string& label_;
  size_t at_ = 0;
  std::vector<CellRange> ranges_;
};

/// By order, which is in it even without cells when it is the map's own.
std::map<int, std::vector<int64_t>> byOrder(const Moc& moc) {
  std::map<int, std::vector<int64_t>> out;
  for (const Cell& cell : moc.cells()) out[cell.order].push_back(cell.number);
  out[moc.order()];
  return out;
}

}  // namespace

Moc readMocAscii(const std::string& text, const std::string& label) { return Reader(text, label).ascii(); }
Moc readMocJson(const std::string& text, const std::string& label) { return Reader(text, label).json(); }

std::string mocAscii(const Moc& moc) {
  std::string out;
  for (const auto& [order, cells] : byOrder(moc)) {
    if (!out.empty()) out += ' ';
    out += std::to_string(order) + '/';
    for (size_t i = 0; i < cells.size();) {
      size_t last = i;
      while (last + 1 < cells.size() && cells[last + 1] == cells[last] + 1) ++last;
      if (i > 0) out += ' ';
      out += std::to_string(cells[i]);
      if (last > i) out += '-' + std::to_string(cells[last]);
      i = last + 1;
    }
  }
  return out + '\n';
}

std::string mocJson(const Moc& moc) {
  std::string out = "{";
  for (const auto& [order, cells] : byOrder(moc)) {
    out += (out.size() > 1 ? ",\n\"" : "\"") + std::to_string(order) + "\":[";
    for (size_t i = 0; i < cells.size(); ++i) out += (i > 0 ? "," : "") + std::to_string(cells[i]);
    out += ']';
  }
  return out + "}\n";
}

}  // namespace otf::coverage
