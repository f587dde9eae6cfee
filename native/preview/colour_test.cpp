#include "preview/colour.h"

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <cstdint>

#include "preview/colour_tables.h"
#include "preview/stretch.h"

using namespace otf::preview;

namespace {

double luminance(Colour c) { return 0.2126 * c.red + 0.7152 * c.green + 0.0722 * c.blue; }

Colour rgb(int value) {
  return {static_cast<uint8_t>(value >> 16), static_cast<uint8_t>(value >> 8), static_cast<uint8_t>(value)};
}

}  // namespace

TEST_CASE("colour maps have the colours of their definitions") {
  CHECK(kViridis.size() == 256 * 6);
  CHECK(kMagma.size() == 256 * 6);
  // matplotlib: the ends and the middle (index 128).
  CHECK(colourAt(ColourMap::kViridis, 0) == rgb(0x440154));
  CHECK(colourAt(ColourMap::kViridis, 128 / 255.0) == rgb(0x21918c));
  CHECK(colourAt(ColourMap::kViridis, 1) == rgb(0xfde725));
  CHECK(colourAt(ColourMap::kMagma, 0) == rgb(0x000004));
  CHECK(colourAt(ColourMap::kMagma, 128 / 255.0) == rgb(0xb73779));
  CHECK(colourAt(ColourMap::kMagma, 1) == rgb(0xfcfdbf));
  CHECK(colourAt(ColourMap::kGrey, 0.5) == rgb(0x808080));
  CHECK(colourAt(ColourMap::kInverted, 0) == rgb(0xffffff));
  // DS9: red is full at 0.34, blue begins at 0.65.
  CHECK(colourAt(ColourMap::kHeat, 0.34) == rgb(0xff5700));
  CHECK(colourAt(ColourMap::kHeat, 1) == rgb(0xffffff));
  // Green 2011: black, white, and in between the red, green and blue that add up to the share of white.
  CHECK(colourAt(ColourMap::kCubehelix, 0) == rgb(0x000000));
  CHECK(colourAt(ColourMap::kCubehelix, 1) == rgb(0xffffff));
  CHECK(colourAt(ColourMap::kCubehelix, 0.5) == rgb(0xa07949));
}

TEST_CASE("maps made for the eye grow brighter all the way") {
  for (const ColourMap map : {ColourMap::kGrey, ColourMap::kViridis, ColourMap::kMagma, ColourMap::kHeat}) {
    // Luma is not lightness: between two of 256 colours it may fall by a fraction of a step.
    for (int i = 1; i < 256; ++i)
      CHECK(luminance(colourAt(map, i / 255.0)) > luminance(colourAt(map, (i - 1) / 255.0)) - 0.5);
  }
}

TEST_CASE("names of maps and stretches lead to them, other names to nothing") {
  for (size_t i = 0; i < colourMapNames().size(); ++i)
    CHECK(colourMapNamed(colourMapNames()[i]) == static_cast<ColourMap>(i));
  for (size_t i = 0; i < stretchNames().size(); ++i)
    CHECK(stretchNamed(stretchNames()[i]) == static_cast<Stretch>(i));
  CHECK(!colourMapNamed("Grey").has_value());
  CHECK(!colourMapNamed("").has_value());
  CHECK(!stretchNamed("asinh ").has_value());
}

TEST_CASE("a palette has its blank colour first, then the map from end to end") {
  const Palette palette = paletteOf(ColourMap::kMagma, {1, 2, 3, 0});
  CHECK(palette[0] == Colour{1, 2, 3, 0});
  CHECK(palette[1] == colourAt(ColourMap::kMagma, 0));
  CHECK(palette[255] == colourAt(ColourMap::kMagma, 1));
}

TEST_CASE("stretches are astropy's, from 0 to 1") {
  for (const Stretch stretch : {Stretch::kLinear, Stretch::kLog, Stretch::kSqrt, Stretch::kAsinh}) {
    CHECK(stretched(stretch, 0) == 0);
    CHECK(stretched(stretch, 1) == doctest::Approx(1));
  }
  // astropy 5.2.1 at 0.3: LogStretch(1000), SqrtStretch, AsinhStretch(0.1).
  CHECK(stretched(Stretch::kLog, 0.3) == doctest::Approx(0.82606931));
  CHECK(stretched(Stretch::kSqrt, 0.3) == doctest::Approx(0.5477226));
  CHECK(stretched(Stretch::kAsinh, 0.3) == doctest::Approx(0.60650808));
}

TEST_CASE("levels go from 1 to 255, and blanks have the one below") {
  const std::array<float, 6> values = {-1, 0, 0.5F, 1, 2, NAN};
  std::array<uint8_t, 6> levels{};
  toLevels(values, Stretch::kLinear, {0, 1}, levels);
  CHECK(levels == std::array<uint8_t, 6>{1, 1, 128, 255, 255, 0});
  toLevels(values, Stretch::kLinear, {0.5, 0.5}, levels);
  CHECK(levels == std::array<uint8_t, 6>{1, 1, 1, 128, 255, 0});
}
