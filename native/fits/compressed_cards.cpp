#include "fits/compressed_cards.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

namespace otf::fits {
namespace {

/// Of the table, or of the compression, with that exact name.
constexpr std::array<std::string_view, 28> kExact = {
    "SIMPLE",   "XTENSION", "BITPIX",   "NAXIS",    "PCOUNT",   "GCOUNT",  "TFIELDS",
    "THEAP",    "EXTEND",   "CHECKSUM", "DATASUM",  "ZIMAGE",   "ZSIMPLE", "ZTENSION",
    "ZEXTEND",  "ZBLOCKED", "ZPCOUNT",  "ZGCOUNT",  "ZBITPIX",  "ZNAXIS",  "ZCMPTYPE",
    "ZQUANTIZ", "ZDITHER0", "ZMASKCMP", "ZHECKSUM", "ZDATASUM", "ZBLANK",  "END"};

/// The same, with a number behind it.
constexpr std::array<std::string_view, 19> kNumbered = {
    "NAXIS", "TTYPE", "TFORM", "TUNIT", "TNULL", "TSCAL",  "TZERO", "TDISP", "TDIM", "TBCOL",
    "TUCD",  "TDMIN", "TDMAX", "TLMIN", "TLMAX", "ZNAXIS", "ZTILE", "ZNAME", "ZVAL"};

bool isNumbered(std::string_view name, std::string_view prefix) {
  return name.size() > prefix.size() && name.starts_with(prefix) &&
         std::all_of(name.begin() + static_cast<ptrdiff_t>(prefix.size()), name.end(),
                     [](char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; });
}

bool ofTheTable(std::string_view name) {
  return std::find(kExact.begin(), kExact.end(), name) != kExact.end() ||
         std::any_of(kNumbered.begin(), kNumbered.end(),
                     [name](std::string_view prefix) { return isNumbered(name, prefix); });
}

std::string card(const std::string& keyword, const std::string& value) {
  std::string text = keyword;
  text.resize(8, ' ');
  text += "= " + std::string(20 - std::min<size_t>(20, value.size()), ' ') + value;
  text.resize(kCardBytes, ' ');
  return text;
}

}  // namespace

std::string imageCards(const HeaderCards& table, const ScannedHdu& hdu) {
  std::string cards = card("SIMPLE", "T") + card("BITPIX", std::to_string(hdu.bitpix)) +
                      card("NAXIS", std::to_string(hdu.dims.size()));
  for (size_t i = 0; i < hdu.dims.size(); ++i)
    cards += card("NAXIS" + std::to_string(i + 1), std::to_string(hdu.dims[i]));
  const std::string all = table.text();
  for (size_t at = 0; at < all.size(); at += kCardBytes) {
    const std::string_view each = std::string_view(all).substr(at, kCardBytes);
    std::string_view name = each.substr(0, 8);
    name = name.substr(0, name.find_last_not_of(' ') + 1);
    if (!ofTheTable(name)) cards += each;
  }
  std::string end = "END";
  end.resize(kCardBytes, ' ');
  return cards + end;
}

}  // namespace otf::fits
