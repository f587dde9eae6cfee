#include "detect/noise_files.h"

#include <algorithm>
#include <array>

#include "fits/header_values.h"
#include "sky/sky_keys.h"

namespace otf {
namespace {

constexpr std::array kOfImage{"BMAJ", "BMIN", "BPA", "OBJECT", "TELESCOP", "INSTRUME", "DATE-OBS", "MJD-OBS"};

}  // namespace

std::vector<FitsKey> imageKeys(const FitsInfo& image, int64_t x, int64_t y, const std::string& unit) {
  std::vector<FitsKey> keys = sky::skyKeys(image.cards, image.axes, x, y);
  for (const char* name : kOfImage) {
    const fits::CardValue value = fits::findValue(image.cards, name);
    if (value.kind == fits::CardValue::Kind::kText) keys.push_back({name, "", value.text, 0, true, false});
    if (value.isNumber()) keys.push_back({name, "", "", value.number, false, false});
  }
  if (!unit.empty()) keys.push_back({"BUNIT", "", unit, 0, true, false});
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
