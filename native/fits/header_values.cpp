#include "fits/header_values.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <set>

#include "fits/header_cards.h"

namespace otf::fits {
namespace {

constexpr size_t kNameBytes = 8, kFieldBytes = kCardBytes - 10;

std::string_view trim(std::string_view text) {
  const size_t begin = text.find_first_not_of(' ');
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(' ') - begin + 1);
}

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return out;
}

bool isKeyword(std::string_view name) {
  return !name.empty() &&
         name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == std::string_view::npos;
}

std::string withoutComment(std::string_view field) {
  return std::string(trim(field.substr(0, field.find('/'))));
}

/// The string of a field that starts with a quote; '' inside stands for one quote (4.2.1.1).
CardValue readString(std::string_view field) {
  CardValue value;
  for (size_t i = 1; i < field.size(); ++i) {
    if (field[i] == '\'') {
      if (i + 1 >= field.size() || field[i + 1] != '\'') {
        value.kind = CardValue::Kind::kText;
        value.text.erase(value.text.find_last_not_of(' ') + 1);
        return value;
      }
      ++i;
    }
    value.text += field[i];
  }
  return {CardValue::Kind::kMalformed, 0, std::string(field)};
}

/// Keywords that describe the array, the table it is compressed into or the HDU itself.
bool isStructural(std::string_view name) {
  static const std::set<std::string_view> kNames = {
      "SIMPLE",  "XTENSION", "BITPIX",   "NAXIS",    "EXTEND",   "PCOUNT",   "GCOUNT",   "GROUPS",
      "TFIELDS", "THEAP",    "INHERIT",  "CONTINUE", "ZIMAGE",   "ZSIMPLE",  "ZEXTEND",  "ZTENSION",
      "ZBITPIX", "ZNAXIS",   "ZPCOUNT",  "ZGCOUNT",  "ZCMPTYPE", "ZQUANTIZ", "ZDITHER0", "ZBLANK",
      "ZSCALE",  "ZZERO",    "ZMASKCMP", "ZBLOCKED", "ZHECKSUM", "ZDATASUM"};
  if (kNames.contains(name)) return true;
  const size_t digits = name.find_last_not_of("0123456789") + 1;
  static const std::set<std::string_view> kIndexed = {"NAXIS", "TTYPE",  "TFORM", "TDIM",  "TUNIT",
                                                      "TDISP", "ZNAXIS", "ZTILE", "ZNAME", "ZVAL"};
  return digits < name.size() && kIndexed.contains(name.substr(0, digits));
}

/// What belongs to the primary array alone, whatever INHERIT says.
bool isOwn(std::string_view name) {
  static const std::set<std::string_view> kNames = {"CHECKSUM", "DATASUM", "EXTNAME", "EXTVER",
                                                    "EXTLEVEL", "BSCALE",  "BZERO",   "BLANK",
                                                    "DATAMIN",  "DATAMAX", "ORIGIN"};
  return kNames.contains(name) || isStructural(name);
}

std::string padded(std::string text) {
  text.resize(kCardBytes, ' ');
  return text;
}

std::string standardCard(const Card& card, std::string_view original) {
  const CardValue value = readField(card.field);
  std::string head = card.name;
  head.resize(kNameBytes, ' ');
  head += "= ";
  if (value.isNumber()) {
    std::string token(trim(card.field));
    token = token.substr(0, token.find_first_of(" /"));
    for (char& c : token) {
      if (c == 'D' || c == 'd' || c == 'e') c = 'E';
    }
    if (token.size() < 20) token.insert(0, 20 - token.size(), ' ');
    return padded(head + token + (value.loose ? " / loose" : ""));
  }
  if (original.substr(0, head.size()) == head) return std::string(original);
  return padded(head + std::string(trim(card.field).substr(0, kFieldBytes)));
}

template <typename Visit>
void eachCard(std::string_view cards, Visit visit) {
  for (size_t at = 0; at + kCardBytes <= cards.size(); at += kCardBytes) {
    const std::string_view card = cards.substr(at, kCardBytes);
    if (trim(card) == "END") return;
    visit(card);
  }
}

}  // namespace

std::optional<double> parseNumber(std::string_view text) {
  std::string digits(text);
  if (digits.starts_with('+')) digits.erase(0, 1);
  if (digits.find_first_not_of("0123456789+-.EeDd") != std::string::npos || digits.starts_with('+'))
    return std::nullopt;
  for (char& c : digits) {
    if (c == 'D' || c == 'd') c = 'E';
  }
  double number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return number;
}

CardValue readField(std::string_view whole) {
  const std::string_view field = trim(whole);
  if (field.empty() || field.front() == '/') return {CardValue::Kind::kUndefined};
  if (field.front() == '\'') return readString(field);
  const size_t end = std::min(field.find_first_of(" /"), field.size());
  const std::string_view token = field.substr(0, end), rest = trim(field.substr(end));
  CardValue value{CardValue::Kind::kMalformed, 0, withoutComment(field)};
  if (token == "T" || token == "F") {
    value.kind = CardValue::Kind::kLogical;
    return value;
  }
  const std::optional<double> number = parseNumber(token);
  if (!number) return value;
  // Text behind a number is not read by CFITSIO; another number there (12 30 45) means something else altogether.
  value.loose = !rest.empty() && rest.front() != '/';
  if (value.loose && std::isalpha(static_cast<unsigned char>(rest.front())) == 0) return value;
  value.kind = CardValue::Kind::kNumber;
  value.number = *number;
  return value;
}

std::optional<double> numberOf(const CardValue& value) {
  if (value.isNumber()) return value.number;
  if (value.kind == CardValue::Kind::kText) return parseNumber(trim(value.text));
  return std::nullopt;
}

std::optional<int64_t> wholeOf(std::string_view digits) {
  if (digits.starts_with('+')) digits.remove_prefix(1);
  int64_t whole = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), whole);
  return error == std::errc() && end == digits.data() + digits.size() ? std::optional(whole) : std::nullopt;
}

std::optional<int64_t> wholeOf(const CardValue& value) {
  const std::optional<double> number = numberOf(value);
  if (!number || *number != std::trunc(*number)) return std::nullopt;
  const std::string_view text = trim(value.text);
  if (const std::optional<int64_t> whole = wholeOf(text.substr(0, text.find(' ')))) return whole;
  // 1.0, 1E3. What is past 64 bits has been rounded to their end.
  constexpr double kPast = 0x1p63;
  if (*number <= -kPast || *number >= kPast) return std::nullopt;
  return static_cast<int64_t>(*number);
}

std::optional<Card> splitCard(std::string_view card) {
  const std::string first = upper(trim(card.substr(0, std::min(kNameBytes, card.size()))));
  if (first == "COMMENT" || first == "HISTORY" || first.empty()) return std::nullopt;
  size_t begin = 0, equals = card.find('=');
  if (equals == std::string_view::npos) return std::nullopt;
  if (first == "HIERARCH" && equals > kNameBytes) {
    begin = kNameBytes;
  } else if (equals > kNameBytes) {
    return std::nullopt;
  }
  std::string name = upper(trim(card.substr(begin, equals - begin)));
  if (!isKeyword(name)) return std::nullopt;
  return Card{std::move(name), card.substr(equals + 1)};
}

std::string printableCards(std::string_view raw) {
  std::string out;
  out.reserve(raw.size());
  for (size_t at = 0; at < raw.size(); at += kCardBytes) {
    const std::string_view card = raw.substr(at, kCardBytes);
    const size_t start = out.size();
    for (size_t i = 0; i < card.size(); ++i) {
      const auto c = static_cast<unsigned char>(card[i]),
                 next = static_cast<unsigned char>(i + 1 < card.size() ? card[i + 1] : 0);
      if ((c == 0xc2 && next == 0xb5) || (c == 0xce && next == 0xbc)) {  // UTF-8: micro sign, Greek mu
        out += 'u';
        ++i;
      } else if (c == 0xb5) {  // Latin-1
        out += 'u';
      } else {
        out += c == 0 || c == '\t' ? ' ' : c < 0x20 || c > 0x7e ? '?' : static_cast<char>(c);
      }
    }
    out.resize(start + card.size(), ' ');
  }
  return out;
}

CardValue findValue(std::string_view cards, std::string_view keyword) {
  CardValue found;
  bool seen = false;
  eachCard(cards, [&](std::string_view text) {
    if (seen) return;
    const std::optional<Card> card = splitCard(text);
    if (!card || card->name != keyword) return;
    seen = true;
    found = readField(card->field);
  });
  return found;
}

bool isContradictory(std::string_view cards, std::string_view keyword) {
  std::optional<CardValue> first;
  bool differ = false;
  eachCard(cards, [&](std::string_view text) {
    const std::optional<Card> card = splitCard(text);
    if (!card || card->name != keyword) return;
    const CardValue value = readField(card->field);
    if (!first) first = value;
    const bool same = value.kind == first->kind &&
                      (value.isNumber() ? value.number == first->number : value.text == first->text);
    differ = differ || !same;
  });
  return differ;
}

std::string imageCards(std::string_view raw, std::string_view inherited, int bitpix,
                       std::span<const int64_t> dims) {
  std::string out;
  const auto mandatory = [&](const std::string& name, const std::string& value) {
    std::array<char, kCardBytes + 1> text{};
    std::snprintf(text.data(), text.size(), "%-8s= %20s", name.c_str(), value.c_str());
    out += padded(text.data());
  };
  mandatory("SIMPLE", "T");
  mandatory("BITPIX", std::to_string(bitpix));
  mandatory("NAXIS", std::to_string(dims.size()));
  for (size_t i = 0; i < dims.size(); ++i)
    mandatory("NAXIS" + std::to_string(i + 1), std::to_string(dims[i]));
  std::set<std::string> own;
  const auto append = [&](std::string_view text) {
    const std::optional<Card> card = splitCard(text);
    if (!card) {
      out += text;
    } else if (card->name.size() <= kNameBytes && !isStructural(card->name)) {
      own.insert(card->name);
      out += standardCard(*card, text);
    }
  };
  eachCard(raw, append);
  const std::set<std::string> here = own;
  eachCard(inherited, [&](std::string_view text) {
    const std::optional<Card> card = splitCard(text);
    if (card && !isOwn(card->name) && !here.contains(card->name)) append(text);
  });
  return out + padded("END");
}

}  // namespace otf::fits
