#include "detect/noise_files.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "fits/header_values.h"

namespace otf {
namespace {

constexpr size_t kCardChars = 80;

/// Keywords with a number of an axis behind them, and those of both axes.
constexpr std::array<std::string_view, 7> kOfAxis{"CTYPE", "CRVAL", "CDELT", "CRPIX", "CROTA", "CUNIT", "PV"};
constexpr std::array<std::string_view, 2> kOfBothAxes{"PC", "CD"};
constexpr std::array<std::string_view, 14> kOfImage{"LONPOLE",  "LATPOLE",  "RADESYS",  "RADECSYS", "EQUINOX",
                                                    "EPOCH",    "BMAJ",     "BMIN",     "BPA",      "OBJECT",
                                                    "TELESCOP", "INSTRUME", "DATE-OBS", "MJD-OBS"};
/// Distortion of the SIP convention.
constexpr std::array<std::string_view, 4> kDistortions{"A_", "B_", "AP_", "BP_"};

/// 1 or 2 for the axes of the picture; none for another, or no number.
std::optional<int> newAxis(const FitsInfo& image, std::string_view digits) {
  for (int axis = 0; axis < 2; ++axis) {
    if (digits == std::to_string(image.axes[axis])) return axis + 1;
  }
  return std::nullopt;
}

std::optional<std::string> newName(const FitsInfo& image, std::string_view name) {
  if (std::ranges::find(kOfImage, name) != kOfImage.end()) return std::string(name);
  for (const std::string_view start : kDistortions) {
    if (name.starts_with(start)) return std::string(name);
  }
  for (const std::string_view start : kOfBothAxes) {
    const size_t line = name.find('_');
    if (!name.starts_with(start) || line == std::string_view::npos) continue;
    const auto row = newAxis(image, name.substr(start.size(), line - start.size()));
    const auto column = newAxis(image, name.substr(line + 1));
    if (row && column) return std::string(start) + std::to_string(*row) + "_" + std::to_string(*column);
  }
  for (const std::string_view start : kOfAxis) {
    if (!name.starts_with(start)) continue;
    const size_t end = std::min(name.find('_'), name.size());
    const auto axis = newAxis(image, name.substr(start.size(), end - start.size()));
    if (axis) return std::string(start) + std::to_string(*axis) + std::string(name.substr(end));
  }
  return std::nullopt;
}

}  // namespace

std::vector<FitsKey> skyKeys(const FitsInfo& image, int64_t x, int64_t y) {
  std::vector<FitsKey> keys;
  for (size_t at = 0; at + kCardChars <= image.cards.size(); at += kCardChars) {
    const auto card = fits::splitCard(std::string_view(image.cards).substr(at, kCardChars));
    if (!card) continue;
    const auto name = newName(image, card->name);
    const fits::CardValue value = fits::readField(card->field);
    if (!name || std::ranges::any_of(keys, [&](const FitsKey& key) { return key.name == *name; })) continue;
    FitsKey key;
    key.name = *name;
    if (value.kind == fits::CardValue::Kind::kText) {
      key.isText = true;
      key.text = value.text;
    } else if (value.isNumber()) {
      key.number = value.number;
      if (*name == "CRPIX1") key.number -= static_cast<double>(x);
      if (*name == "CRPIX2") key.number -= static_cast<double>(y);
      key.isInteger = name->ends_with("_ORDER");
    } else {
      continue;
    }
    keys.push_back(std::move(key));
  }
  return keys;
}

std::vector<FitsKey> imageKeys(const FitsInfo& image, int64_t x, int64_t y, const std::string& unit) {
  std::vector<FitsKey> keys = skyKeys(image, x, y);
  if (unit.empty()) return keys;
  FitsKey key;
  key.name = "BUNIT";
  key.isText = true;
  key.text = unit;
  keys.push_back(std::move(key));
  return keys;
}

void writeNoiseFile(const std::string& path, const measure::NoiseMap& noise, NoiseKind kind,
                    const FitsInfo& image, const std::string& unit) {
  const measure::CellLayout& box = noise.layout();
  FitsImageWriter writer(path, box.width, box.height, imageKeys(image, box.x, box.y, unit));
  constexpr int64_t kRows = 64;
  std::vector<float> pixels(static_cast<size_t>(kRows * box.width));
  for (int64_t y = 0; y < box.height; y += kRows) {
    const int64_t rows = std::min(kRows, box.height - y);
    float* out = pixels.data();
    noise.rows(y, rows, kind == NoiseKind::kBackground ? out : nullptr,
               kind == NoiseKind::kRms ? out : nullptr);
    writer.writeRows(pixels.data(), rows);
  }
  writer.finish();
}

}  // namespace otf
