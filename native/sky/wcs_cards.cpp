#include "sky/wcs_cards.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "error/error.h"

namespace otf::sky {
namespace {

constexpr size_t kCardBytes = 80;
constexpr double kMostAxes = 99;
constexpr double kMostSipOrder = 9;  // Shupe et al. 2005: orders 2 to 9

std::string_view trim(std::string_view text) {
  const size_t begin = text.find_first_not_of(' ');
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(' ') - begin + 1);
}

std::string_view nameOf(std::string_view card) { return trim(card.substr(0, 8)); }

template <typename Visit>
void eachValue(const std::string& cards, Visit visit) {
  for (size_t at = 0; at + kCardBytes <= cards.size(); at += kCardBytes) {
    const std::string_view card = std::string_view(cards).substr(at, kCardBytes);
    if (card.substr(8, 1) == "=") visit(nameOf(card), trim(card.substr(9)));
  }
}

[[noreturn]] void reject(std::string_view name, std::string_view field) {
  throw OtfError(
      Code::kWcsInvalid,
      std::string(name) + " = " + std::string(trim(field.substr(0, field.find('/')))) + " is not usable");
}

/// Throws unless the field is one finite number (FITS Standard 4.0, 4.2.3 and 4.2.4).
double finiteNumber(std::string_view name, std::string_view field) {
  std::string text(trim(field.substr(0, field.find('/'))));
  for (char& c : text) {
    if (c == 'D' || c == 'd') c = 'E';
  }
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0' || !std::isfinite(value)) reject(name, field);
  return value;
}

/// FITS Standard 4.0, 4.2.1.1: a string starts and ends with a quote, '' inside stands for one.
bool isOpenString(std::string_view field) {
  if (field.empty() || field.front() != '\'') return false;
  for (size_t i = 1; i < field.size(); ++i) {
    if (field[i] != '\'') continue;
    if (i + 1 >= field.size() || field[i + 1] != '\'') return false;
    ++i;
  }
  return true;
}

/// The keywords whose loss would move the sky under the pixels.
std::vector<std::string> essentialNumbers(const int axes[2]) {
  std::vector<std::string> names = {"LONPOLE", "LATPOLE", "EQUINOX", "EPOCH"};
  for (int i = 0; i < 2; ++i) {
    const std::string n = std::to_string(axes[i]);
    for (const char* stem : {"CRPIX", "CRVAL", "CDELT", "CROTA"}) names.push_back(stem + n);
    for (int j = 0; j < 2; ++j) {
      const std::string m = std::to_string(axes[j]);
      names.push_back("CD" + n + "_" + m);
      names.push_back("PC" + n + "_" + m);
    }
    for (int m = 0; m < 40; ++m) names.push_back("PV" + n + "_" + std::to_string(m));
  }
  return names;
}

std::vector<std::string> essentialStrings(const int axes[2]) {
  std::vector<std::string> names = {"RADESYS", "RADECSYS"};
  for (int i = 0; i < 2; ++i) {
    for (const char* stem : {"CTYPE", "CUNIT"}) names.push_back(stem + std::to_string(axes[i]));
  }
  return names;
}

bool among(std::string_view name, const std::vector<std::string>& names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

std::string axisType(const std::string& cards, int axis) {
  const std::string keyword = "CTYPE" + std::to_string(axis);
  std::string type;
  eachValue(cards, [&](std::string_view name, std::string_view field) {
    if (name != keyword || !type.empty() || field.empty() || field.front() != '\'') return;
    const size_t end = field.find('\'', 1);
    type = std::string(trim(field.substr(1, end == std::string_view::npos ? end : end - 1)));
  });
  return type;
}

std::string usableCards(const std::string& cards, const int axes[2]) {
  const std::vector<std::string> numbers = essentialNumbers(axes), strings = essentialStrings(axes);
  std::string usable = cards;
  eachValue(cards, [&](std::string_view name, std::string_view field) {
    if (among(name, numbers)) finiteNumber(name, field);
    const bool order = name == "A_ORDER" || name == "B_ORDER" || name == "AP_ORDER" || name == "BP_ORDER";
    if (order || name.starts_with("WCSAXES")) {
      const double value = finiteNumber(name, field);
      if (!(value >= 0 && value <= (order ? kMostSipOrder : kMostAxes))) reject(name, field);
    }
    if (!isOpenString(field)) return;
    if (among(name, strings)) reject(name, field);
    const auto card = static_cast<size_t>(field.data() - cards.data()) / kCardBytes * kCardBytes;
    usable.replace(card, kCardBytes, kCardBytes, ' ');
  });
  return usable;
}

}  // namespace otf::sky
