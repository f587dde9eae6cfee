// The values of header cards, read as the standard, CFITSIO and astropy read them; what cannot be read is told
// apart from what is not there.
// Source: FITS Standard 4.0, section 4 (cards, values), appendix K (INHERIT).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace otf::fits {

struct CardValue {
  enum class Kind {
    kAbsent,
    kUndefined,  // the keyword without a value (4.1.2.3)
    kNumber,
    kText,
    kLogical,
    kMalformed,  // NaN, a string without an end, two numbers, ...
  } kind = Kind::kAbsent;
  double number = 0;      // kNumber
  std::string text = {};  // kText: the string itself; else the field without its comment, for messages
  bool loose =
      false;  // a number with more text behind it, without a '/': CFITSIO reads it, the standard does not

  bool isNumber() const { return kind == Kind::kNumber; }
};

/// A keyword in capitals and what stands behind its '='.
struct Card {
  std::string name;
  std::string_view field;
};

/// nullopt: a card without a value (COMMENT, HISTORY, blank, END). As CFITSIO also finds them: lower case, HIERARCH, '='
/// before or at column 9, no blank after it.
std::optional<Card> splitCard(std::string_view card);

CardValue readField(std::string_view field);

/// Decimal, with E or D exponent; the whole text. nullopt for anything else, infinities and what a double cannot hold.
std::optional<double> parseNumber(std::string_view text);

/// Whether cards of the keyword have different values.
bool isContradictory(std::string_view cards, std::string_view keyword);

/// The number a value stands for: a string that holds nothing but a number counts, as in CFITSIO.
std::optional<double> numberOf(const CardValue& value);

/// Of nothing but digits and a sign; nullopt: it is something else, or none that 64 bits hold.
std::optional<int64_t> wholeOf(std::string_view digits);
/// The whole number a value stands for, all of its digits; nullopt: it is none, or none that 64 bits hold.
std::optional<int64_t> wholeOf(const CardValue& value);

/// Bytes as header text: NUL and tab as blank, the Greek letter of micro as u, other bytes outside printable ASCII as '?'.
/// Length is kept: cards stay where they are.
std::string printableCards(std::string_view raw);

/// The first card of the keyword counts, as in CFITSIO and astropy.
CardValue findValue(std::string_view cards, std::string_view keyword);

/// One HDU's header as an image's, for all who read keywords: the mandatory cards made from the size given, then every
/// other card up to END in the standard's own form (numbers with E exponents), without those of a table or a compression.
/// `inherited`: the primary header whose cards count where this one has none; empty = none.
std::string imageCards(std::string_view raw, std::string_view inherited, int bitpix,
                       std::span<const int64_t> dims);

}  // namespace otf::fits
