#include "fits/pixel_unit.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <utility>

#include "fits/header_values.h"

namespace otf::fits {
namespace {

struct Prefix {
  char letter;
  double factor;
};
constexpr std::array<Prefix, 10> kPrefixes = {{{'f', 1e-15},
                                               {'p', 1e-12},
                                               {'n', 1e-9},
                                               {'u', 1e-6},
                                               {'m', 1e-3},
                                               {'c', 1e-2},
                                               {'k', 1e3},
                                               {'M', 1e6},
                                               {'G', 1e9},
                                               {'T', 1e12}}};

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

/// Names that are meant whatever their case, by their lower-case form.
std::optional<std::string> plainName(const std::string& name) {
  static const std::map<std::string, std::string> kNames = {
      {"jy", "Jy"},        {"jansky", "Jy"},   {"janskys", "Jy"},    {"beam", "beam"},     {"bm", "beam"},
      {"beams", "beam"},   {"pixel", "pixel"}, {"pix", "pixel"},     {"pixels", "pixel"},  {"sr", "sr"},
      {"steradian", "sr"}, {"kelvin", "K"},    {"arcsec", "arcsec"}, {"arcmin", "arcmin"}, {"deg", "deg"}};
  const auto found = kNames.find(name);
  return found == kNames.end() ? std::nullopt : std::optional(found->second);
}

/// "mJy" as m and Jy, "UJY" as U and JY, "milliJy" as m and Jy; the prefix is ' ' when there is none.
std::pair<char, std::string> splitPrefix(const std::string& word) {
  static const std::map<std::string, char> kWords = {
      {"nano", 'n'}, {"micro", 'u'}, {"milli", 'm'}, {"kilo", 'k'}};
  for (const auto& [name, letter] : kWords) {
    if (lower(word).starts_with(name)) return {letter, word.substr(name.size())};
  }
  return {word.front(), word.substr(1)};
}

/// One name with its prefix, e.g. mJy, into `unit`, to the given power.
void multiply(PixelUnit& unit, const std::string& word, int power) {
  if (const auto name = plainName(lower(word))) {
    unit.powers[*name] += power;
    return;
  }
  const auto [given, rest] = splitPrefix(word);
  const bool isJansky = plainName(lower(rest)) == "Jy", exact = rest == "Jy" || rest == "K";
  for (const Prefix& prefix : kPrefixes) {
    const bool same = exact ? given == prefix.letter : std::tolower(given) == std::tolower(prefix.letter);
    if (!same || !(isJansky || rest == "K")) continue;
    if (!exact && given == 'M') {
      unit.powers["?Jy"] += power;  // milli or mega: decided once the whole unit is known
    } else {
      unit.powers[isJansky ? "Jy" : "K"] += power;
      unit.factor *= std::pow(prefix.factor, power);
    }
    return;
  }
  unit.powers[word] += power;  // W, adu, ...: as they are written
}

/// "MJY/BEAM": a million janskys in a beam is no image of the sky, so it is mJy there; per steradian mega is usual (IRAS).
void decideMega(PixelUnit& unit) {
  const auto found = unit.powers.find("?Jy");
  if (found == unit.powers.end()) return;
  const int power = found->second;
  unit.powers.erase(found);
  unit.powers["Jy"] += power;
  const bool perBeam = unit.powers.contains("beam") || unit.powers.contains("pixel");
  unit.factor *= std::pow(perBeam ? 1e-3 : 1e6, power);
  unit.note = perBeam ? "mJy, not MJy" : "MJy, not mJy";
}

/// "-1", "**-1", "^-1", "**(-1)", "^{-1}", "(-1)" at the start of `text`, which loses it; 1 when there is none.
std::optional<int> takePower(std::string_view& text) {
  std::string_view rest = text;
  bool marked = true;
  if (rest.starts_with("**")) {
    rest.remove_prefix(2);
  } else if (rest.starts_with('^')) {
    rest.remove_prefix(1);
  } else {
    marked = false;
  }
  const bool bracket = rest.starts_with('(') || rest.starts_with('{');
  if (bracket) rest.remove_prefix(1);
  if (rest.starts_with('+')) rest.remove_prefix(1);
  int power = 1;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), power);
  if (error != std::errc()) return marked || bracket ? std::nullopt : std::optional(1);
  rest.remove_prefix(static_cast<size_t>(end - rest.data()));
  if (bracket) {
    if (!rest.starts_with(')') && !rest.starts_with('}')) return std::nullopt;
    rest.remove_prefix(1);
  }
  if (std::abs(power) > 9) return std::nullopt;
  text = rest;
  return power;
}

/// "1e-3", "10**-3", "10^-3", "1000" before the first name (4.3.1.1: powers of ten); `text` loses it.
bool takeScale(std::string_view& text, double& factor) {
  if (text.starts_with("10**") || text.starts_with("10^")) {
    std::string_view rest = text.substr(2);
    const std::optional<int> power = takePower(rest);
    if (!power) return false;
    factor = std::pow(10.0, *power);
    text = rest;
    return true;
  }
  const size_t end = std::min(text.find_first_not_of("0123456789.eEdD+-"), text.size());
  for (size_t length = end; length > 0; --length) {
    const std::optional<double> number = parseNumber(text.substr(0, length));
    if (!number || !(*number > 0)) continue;
    factor = *number;
    text.remove_prefix(length);
    return true;
  }
  return false;
}

/// "Jy per beam" as "Jy/beam"; brackets around everything go.
std::string simplified(std::string_view given) {
  std::string text(given);
  for (const char* micro : {"\xc2\xb5", "\xce\xbc"}) {
    if (const size_t at = text.find(micro); at != std::string::npos) text.replace(at, 2, "u");
  }
  if (const size_t per = lower(text).find(" per "); per != std::string::npos) text.replace(per, 5, "/");
  const auto blank = [](char c) { return c == ' ' || c == '_' || c == '"'; };
  while (!text.empty() && blank(text.front())) text.erase(0, 1);
  while (!text.empty() && blank(text.back())) text.pop_back();
  const bool round = text.starts_with('(') && text.find(')') == text.size() - 1;
  const bool square = text.starts_with('[') && text.find(']') == text.size() - 1;
  if (round || square) text = text.substr(1, text.size() - 2);
  return text;
}

}  // namespace

std::optional<PixelUnit> parsePixelUnit(std::string_view given) {
  const std::string whole = simplified(given);
  std::string_view text = whole;
  PixelUnit unit;
  if (!text.empty() && std::isdigit(static_cast<unsigned char>(text.front())) != 0 &&
      !takeScale(text, unit.factor))
    return std::nullopt;
  bool divide = false;
  while (!text.empty()) {
    const char c = text.front();
    if (c == '/') {
      if (divide) return std::nullopt;
      divide = true;
      text.remove_prefix(1);
    } else if (c == ' ' || c == '.' || c == '*' || c == '_') {
      text.remove_prefix(1);
    } else {
      const bool bracket = c == '(';
      if (bracket) text.remove_prefix(1);
      const size_t length = std::min(
          text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz%"), text.size());
      if (length == 0) return std::nullopt;
      const std::string word(text.substr(0, length));
      text.remove_prefix(length);
      if (bracket) {
        // One name in brackets; what a '/' before several would mean is anybody's guess.
        if (!text.starts_with(')')) return std::nullopt;
        text.remove_prefix(1);
      }
      const std::optional<int> power = takePower(text);
      if (!power) return std::nullopt;
      multiply(unit, word, divide ? -*power : *power);
      divide = false;
    }
  }
  decideMega(unit);
  std::erase_if(unit.powers, [](const auto& entry) { return entry.second == 0; });
  if (divide || unit.powers.empty()) return std::nullopt;
  return unit;
}

std::optional<double> factorBetween(const PixelUnit& from, const PixelUnit& to) {
  if (from.powers != to.powers) return std::nullopt;
  return from.factor / to.factor;
}

void multiplyWindow(float* pixels, int64_t columns, int64_t rows, int64_t stride, double factor) {
  if (factor == 1) return;
  for (int64_t r = 0; r < rows; ++r) {
    for (float *at = pixels + r * stride, *end = at + columns; at < end; ++at)
      *at = static_cast<float>(*at * factor);
  }
}

}  // namespace otf::fits
