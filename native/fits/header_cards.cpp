#include "fits/header_cards.h"

#include <cctype>
#include <charconv>

#include "error/error.h"

namespace otf::fits {
namespace {

// 147,000 cards: far above the longest HISTORY seen, far below what could exhaust memory.
constexpr uint64_t kMaxHeaderBlocks = 4096;

// Some writers fill cards and blocks with NUL, which CFITSIO and astropy read as blank.
constexpr std::string_view kBlanks(" \0", 2);

std::string_view trimRight(std::string_view text) {
  const size_t end = text.find_last_not_of(kBlanks);
  return end == std::string_view::npos ? std::string_view{} : text.substr(0, end + 1);
}

std::string_view trim(std::string_view text) {
  const size_t begin = text.find_first_not_of(' ');
  return begin == std::string_view::npos ? std::string_view{} : trimRight(text.substr(begin));
}

/// FITS Standard 4.0, 4.2.1: a string in quotes, '' inside stands for one quote.
std::string unquote(std::string_view field) {
  std::string out;
  for (size_t i = 1; i < field.size(); ++i) {
    if (field[i] == '\'') {
      if (i + 1 >= field.size() || field[i + 1] != '\'') break;
      ++i;
    }
    out += field[i];
  }
  return std::string(trimRight(out));
}

}  // namespace

HeaderCards::HeaderCards(const ByteSource& source, uint64_t offset, int hdu, const std::string& label)
    : where_(label + ", HDU " + std::to_string(hdu)) {
  for (uint64_t block = 0; block < kMaxHeaderBlocks; ++block) {
    const size_t start = text_.size();
    text_.resize(start + kBlockBytes);
    if (!source.read(offset + start, std::as_writable_bytes(std::span(text_).subspan(start)))) {
      throw OtfError(Code::kFitsTruncated, where_ + ": the file ends inside the header, after " +
                                               std::to_string(source.size()) + " bytes");
    }
    for (size_t card = start; card < text_.size(); card += kCardBytes) {
      if (trimRight(std::string_view(text_).substr(card, kCardBytes)) == "END") return;
    }
  }
  reject("the header has no END card within " + std::to_string(kMaxHeaderBlocks * kBlockBytes) + " bytes");
}

std::optional<std::string> HeaderCards::value(std::string_view keyword) const {
  for (size_t at = 0; at + kCardBytes <= text_.size(); at += kCardBytes) {
    const std::string_view card = std::string_view(text_).substr(at, kCardBytes);
    if (trimRight(card.substr(0, 8)) != keyword || card.substr(8, 1) != "=") continue;
    const std::string_view field = trim(card.substr(9));
    if (!field.empty() && field.front() == '\'') return unquote(field);
    return std::string(trim(field.substr(0, field.find('/'))));
  }
  return std::nullopt;
}

bool HeaderCards::isTrue(std::string_view keyword) const { return value(keyword).value_or("") == "T"; }

std::optional<int64_t> HeaderCards::integer(std::string_view keyword, int64_t low, int64_t high) const {
  const std::optional<std::string> text = value(keyword);
  if (!text) return std::nullopt;
  std::string_view digits = *text;
  if (digits.starts_with('+')) digits.remove_prefix(1);
  int64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end != digits.data() + digits.size() || number < low || number > high) {
    reject(std::string(keyword) + " = " + printable(text->substr(0, 40)) + " is not a usable number");
  }
  return number;
}

int64_t HeaderCards::required(std::string_view keyword, int64_t low, int64_t high) const {
  const std::optional<int64_t> number = integer(keyword, low, high);
  if (!number) reject("the keyword " + std::string(keyword) + " is missing");
  return *number;
}

void HeaderCards::requireUnique(std::string_view keyword) const {
  int seen = 0;
  for (size_t at = 0; at + kCardBytes <= text_.size(); at += kCardBytes) {
    const std::string_view card = std::string_view(text_).substr(at, kCardBytes);
    if (trimRight(card.substr(0, 8)) == "END") break;
    if (trimRight(card.substr(0, 8)) == keyword) ++seen;
  }
  if (seen > 1) reject("the keyword " + std::string(keyword) + " appears " + std::to_string(seen) + " times");
}

template <typename Visit>
void HeaderCards::eachNamed(std::string_view prefix, Visit visit) const {
  for (size_t at = 0; at + kCardBytes <= text_.size(); at += kCardBytes) {
    const std::string_view card = std::string_view(text_).substr(at, kCardBytes);
    std::string name(card.substr(0, 40));
    for (char& c : name) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    const bool hierarch = name.starts_with("HIERARCH");
    if (trim(std::string_view(name).substr(hierarch ? 8 : 0)).starts_with(prefix)) visit(card);
  }
}

void HeaderCards::requireStandardForm(std::string_view prefix) const {
  eachNamed(prefix, [&](std::string_view card) {
    const bool standard = card.starts_with(prefix) && card.substr(8, 2) == "= ";
    if (!standard) reject("malformed card '" + printable(trimRight(card)) + "'");
  });
}

void HeaderCards::requireOnly(std::string_view keyword) const {
  eachNamed(keyword, [&](std::string_view card) {
    if (trimRight(card.substr(0, 8)) != keyword || card.substr(8, 2) != "= ")
      reject("card '" + printable(trimRight(card)) + "' could be taken for " + std::string(keyword));
  });
  requireUnique(keyword);
}

void HeaderCards::requireAbsent(std::string_view prefix) const {
  eachNamed(prefix, [&](std::string_view card) {
    reject("card '" + printable(trimRight(card)) + "' has no place in a compressed image");
  });
}

void HeaderCards::requireFirst(std::initializer_list<std::string_view> keywords) const {
  size_t at = 0;
  for (const std::string_view keyword : keywords) {
    const std::string_view card = std::string_view(text_).substr(at, kCardBytes);
    if (trimRight(card.substr(0, 8)) != keyword || card.substr(8, 2) != "= ")
      reject("'" + printable(trimRight(card)) + "' stands where " + std::string(keyword) + " must");
    at += kCardBytes;
  }
}

void HeaderCards::reject(const std::string& what) const {
  throw OtfError(Code::kFitsUnreadable, where_ + ": " + what);
}

}  // namespace otf::fits
