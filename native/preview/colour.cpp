#include "preview/colour.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "preview/colour_tables.h"

namespace otf::preview {
namespace {

constexpr std::array<std::string_view, 6> kNames = {"grey",  "inverted",  "viridis",
                                                    "magma", "cubehelix", "heat"};

uint8_t byteOf(double share) { return static_cast<uint8_t>(std::lround(255 * std::clamp(share, 0.0, 1.0))); }

uint8_t hexByte(std::string_view table, size_t at) {
  const auto digit = [&](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  return static_cast<uint8_t>(digit(table[at]) * 16 + digit(table[at + 1]));
}

/// The nearest of 256 colours.
Colour tabulated(std::string_view table, double share) {
  const size_t at = 6 * static_cast<size_t>(byteOf(share));
  return {hexByte(table, at), hexByte(table, at + 2), hexByte(table, at + 4)};
}

Colour cubehelix(double share) {
  constexpr double kStart = 0.5, kRotations = -1.5, kHue = 1;
  const double angle = 2 * std::numbers::pi * (kStart / 3 + 1 + kRotations * share);
  const double amplitude = kHue * share * (1 - share) / 2;
  const double c = std::cos(angle), s = std::sin(angle);
  return {byteOf(share + amplitude * (-0.14861 * c + 1.78277 * s)),
          byteOf(share + amplitude * (-0.29227 * c - 0.90649 * s)), byteOf(share + amplitude * 1.97294 * c)};
}

Colour heat(double share) {
  return {byteOf(share / 0.34), byteOf(share), byteOf((share - 0.65) / (0.98 - 0.65))};
}

}  // namespace

std::span<const std::string_view> colourMapNames() { return kNames; }

std::optional<ColourMap> colourMapNamed(std::string_view name) {
  const auto* found = std::find(kNames.begin(), kNames.end(), name);
  if (found == kNames.end()) return std::nullopt;
  return static_cast<ColourMap>(found - kNames.begin());
}

Colour colourAt(ColourMap map, double share) {
  switch (map) {
    case ColourMap::kGrey:
      return {byteOf(share), byteOf(share), byteOf(share)};
    case ColourMap::kInverted:
      return {byteOf(1 - share), byteOf(1 - share), byteOf(1 - share)};
    case ColourMap::kViridis:
      return tabulated(kViridis, share);
    case ColourMap::kMagma:
      return tabulated(kMagma, share);
    case ColourMap::kCubehelix:
      return cubehelix(share);
    case ColourMap::kHeat:
      return heat(share);
  }
  return {};
}

Palette paletteOf(ColourMap map, Colour blank) {
  Palette palette;
  palette[0] = blank;
  for (size_t level = 1; level < palette.size(); ++level)
    palette[level] = colourAt(map, static_cast<double>(level - 1) / 254);
  return palette;
}

}  // namespace otf::preview
