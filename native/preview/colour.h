// Colour maps astronomers know, as palettes of a picture.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace otf::preview {

/// 8 bits each, alpha 255 = opaque, not premultiplied.
struct Colour {
  uint8_t red = 0, green = 0, blue = 0, alpha = 255;
  bool operator==(const Colour&) const = default;
};

enum class ColourMap { kGrey, kInverted, kViridis, kMagma, kCubehelix, kHeat };

/// "grey", "inverted", "viridis", "magma", "cubehelix", "heat", in this order; nullopt for other names.
std::span<const std::string_view> colourMapNames();
std::optional<ColourMap> colourMapNamed(std::string_view name);

/// The colour of a share in [0,1] of the way from the lowest to the highest.
/// Sources: matplotlib (viridis, magma; CC0); D. A. Green 2011, BASI 39, 289 (cubehelix: start 0.5, rotations -1.5, hue 1,
/// gamma 1); SAOImageDS9 (heat: red full at 0.34, green linear, blue from 0.65 to 0.98).
Colour colourAt(ColourMap map, double share);

/// [0] is the colour of blank pixels; [1] to [255] go from the lowest to the highest value.
using Palette = std::array<Colour, 256>;
Palette paletteOf(ColourMap map, Colour blank);

}  // namespace otf::preview
