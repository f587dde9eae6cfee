// One HDU's header as 80-character cards, and the few values needed before CFITSIO may read it.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "fits/byte_source.h"

namespace otf::fits {

constexpr uint64_t kBlockBytes = 2880;
constexpr size_t kCardBytes = 80;

/// Values by keyword; the first occurrence counts, as in CFITSIO.
class HeaderCards {
 public:
  /// Reads blocks from `offset` until END. Throws kFitsTruncated, or kFitsUnreadable when no END comes.
  HeaderCards(const ByteSource& source, uint64_t offset, int hdu, const std::string& label);

  uint64_t bytes() const { return text_.size(); }
  /// As in the file, whole blocks.
  const std::string& text() const { return text_; }
  /// The value field without its comment; quotes removed from strings, trailing blanks dropped.
  std::optional<std::string> value(std::string_view keyword) const;
  bool isTrue(std::string_view keyword) const;
  /// Throws kFitsUnreadable when the value is there but no whole number in [low, high].
  std::optional<int64_t> integer(std::string_view keyword, int64_t low, int64_t high) const;
  int64_t required(std::string_view keyword, int64_t low, int64_t high) const;
  /// A keyword given twice with different values lets two readers disagree about a size. Throws kFitsUnreadable.
  void requireUnique(std::string_view keyword) const;

  /// CFITSIO also finds keywords written in other ways (HIERARCH, lower case, '=' elsewhere), past value()'s
  /// eyes. Throws kFitsUnreadable when a keyword that starts so is not written the standard way.
  void requireStandardForm(std::string_view prefix) const;

  /// CFITSIO takes some keywords by their first letters, and the last of them. Throws kFitsUnreadable when one that starts so
  /// is another one, is not written the standard way, or is there twice.
  void requireOnly(std::string_view keyword) const;

  /// Throws kFitsUnreadable when any keyword starts so, in whatever form.
  void requireAbsent(std::string_view prefix) const;

  /// Throws kFitsUnreadable when the header does not begin with these keywords, in their standard form.
  void requireFirst(std::initializer_list<std::string_view> keywords) const;

  [[noreturn]] void reject(const std::string& what) const;

 private:
  /// Calls visit(card, bare) for cards whose name, upper-cased and without HIERARCH, starts with prefix.
  template <typename Visit>
  void eachNamed(std::string_view prefix, Visit visit) const;

  std::string text_;
  std::string where_;
};

}  // namespace otf::fits
