#include "sky/sky_keys.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <optional>
#include <string_view>

#include "fits/header_values.h"
#include "sky/wcs_cards.h"

namespace otf::sky {
namespace {

constexpr size_t kCardChars = 80, kOldDigits = 3;

/// Keywords with a number of an axis behind them, and those of both axes.
constexpr std::array<std::string_view, 6> kOfAxis{"CTYPE", "CRVAL", "CDELT", "CRPIX", "CROTA", "CUNIT"};
constexpr std::array<std::string_view, 2> kOfBothAxes{"PC", "CD"};
constexpr std::array<std::string_view, 6> kOfImage{"LONPOLE",  "LATPOLE", "RADESYS",
                                                   "RADECSYS", "EQUINOX", "EPOCH"};
/// Distortion of the SIP convention.
constexpr std::array<std::string_view, 4> kDistortions{"A_", "B_", "AP_", "BP_"};

bool isDigits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

bool isDistortion(std::string_view name) {
  return std::ranges::any_of(kDistortions, [&](std::string_view start) {
    const std::string_view rest = name.starts_with(start) ? name.substr(start.size()) : "";
    return rest == "ORDER" || rest == "DMAX" || (!rest.empty() && isDigits(rest.substr(0, 1)));
  });
}

/// Names of the old image as those of the new one.
class Renaming {
 public:
  explicit Renaming(const int axes[2]) : axes_{axes[0], axes[1]} {}

  std::optional<std::string> operator()(std::string_view name) const {
    if (std::ranges::find(kOfImage, name) != kOfImage.end() || isDistortion(name)) return std::string(name);
    for (const std::string_view start : kOfBothAxes) {
      if (name.starts_with(start) && isDigits(name.substr(start.size(), 1)))
        return ofBothAxes(start, name.substr(start.size()));
    }
    const size_t line = name.find('_');
    if (name.starts_with("PV") && line != std::string_view::npos && isDigits(name.substr(line + 1))) {
      const auto axis = newAxis(name.substr(2, line - 2));
      if (axis) return "PV" + std::to_string(*axis) + std::string(name.substr(line));
    }
    for (const std::string_view start : kOfAxis) {
      if (!name.starts_with(start)) continue;
      if (const auto axis = newAxis(name.substr(start.size())))
        return std::string(start) + std::to_string(*axis);
    }
    return std::nullopt;
  }

 private:
  /// 1 or 2 for the axes of the picture; none for another, or no number.
  std::optional<int> newAxis(std::string_view digits) const {
    for (int i = 0; i < 2; ++i) {
      if (digits == std::to_string(axes_[static_cast<size_t>(i)])) return i + 1;
    }
    return std::nullopt;
  }
  /// CD1_2, and CD001002 as it was written before WCS paper I.
  std::optional<std::string> ofBothAxes(std::string_view start, std::string_view rest) const {
    const size_t line = rest.find('_');
    const bool isOld = line == std::string_view::npos && rest.size() == 2 * kOldDigits;
    if (line == std::string_view::npos && !isOld) return std::nullopt;
    const auto plain = [](std::string_view digits) {
      return digits.substr(std::min(digits.find_first_not_of('0'), digits.size()));
    };
    const auto row = isOld ? newAxis(plain(rest.substr(0, kOldDigits))) : newAxis(rest.substr(0, line));
    const auto column = isOld ? newAxis(plain(rest.substr(kOldDigits))) : newAxis(rest.substr(line + 1));
    if (!row || !column) return std::nullopt;
    const auto digits = [&](int axis) { return (isOld ? "00" : "") + std::to_string(axis); };
    return std::string(start) + digits(*row) + (isOld ? "" : "_") + digits(*column);
  }

  std::array<int, 2> axes_;
};

/// nullopt: the value says nothing.
std::optional<FitsKey> keyOf(const std::string& name, const fits::CardValue& value) {
  FitsKey key;
  key.name = name;
  const bool isText = name.starts_with("CTYPE") || name.starts_with("CUNIT") || name.starts_with("RADE");
  if (isText) {
    if (value.kind != fits::CardValue::Kind::kText) return std::nullopt;
    key.isText = true;
    key.text = value.text;
    // As wcs_cards.h makes it for wcslib.
    if (name.starts_with("CTYPE")) {
      for (char& c : key.text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    }
    return key;
  }
  std::optional<double> number = fits::numberOf(value);
  const bool isYear = name == "EQUINOX" || name == "EPOCH";
  if (!number && isYear && value.kind == fits::CardValue::Kind::kText) number = yearOf(value.text);
  if (!number || !std::isfinite(*number)) return std::nullopt;
  key.number = *number;
  key.isInteger = name.ends_with("_ORDER");
  return key;
}

}  // namespace

std::vector<FitsKey> skyKeys(const std::string& cards, const int axes[2], int64_t x, int64_t y) {
  const Renaming renamed(axes);
  std::vector<FitsKey> keys;
  for (size_t at = 0; at + kCardChars <= cards.size(); at += kCardChars) {
    const auto card = fits::splitCard(std::string_view(cards).substr(at, kCardChars));
    const auto name = card ? renamed(card->name) : std::nullopt;
    if (!name) continue;
    std::erase_if(keys, [&](const FitsKey& key) { return key.name == *name; });
    std::optional<FitsKey> key = keyOf(*name, fits::readField(card->field));
    if (!key) continue;
    if (*name == "CRPIX1") key->number -= static_cast<double>(x);
    if (*name == "CRPIX2") key->number -= static_cast<double>(y);
    keys.push_back(std::move(*key));
  }
  return keys;
}

}  // namespace otf::sky
