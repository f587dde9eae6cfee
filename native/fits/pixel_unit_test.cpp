// Units of pixels as they are spelt in the field.
#include "fits/pixel_unit.h"

#include <doctest/doctest.h>

namespace otf {
namespace {

/// Factor to Jy/beam; nullopt when it is no unit or of another kind.
std::optional<double> toJyPerBeam(const char* text) {
  const auto unit = fits::parsePixelUnit(text);
  if (!unit) return std::nullopt;
  return fits::factorBetween(*unit, *fits::parsePixelUnit("Jy/beam"));
}

TEST_CASE("spellings of Jy/beam") {
  for (const char* text :
       {"Jy/beam",      "JY/BEAM",     "Jy/Beam",     "jy/beam",       "Jy beam-1",  "Jy.beam-1",
        "Jy*beam-1",    "Jy beam**-1", "Jy.beam**-1", "Jy.beam**(-1)", "Jy beam^-1", "Jy beam^(-1)",
        "Jy beam^{-1}", "beam-1 Jy",   "beam**-1.Jy", "Jy/bm",         "JY/BM",      "Jy / beam",
        "Jy per beam",  "JY PER BEAM", " Jy/beam ",   "(Jy/beam)",     "[Jy/beam]",  "Jy/(beam)",
        "Jansky/beam",  "1 Jy/beam",   "1.0Jy/beam",  "Jy/beam**1",    "Jy/beam1",   "JY BEAM-1",
        "Jy/beams"}) {
    CAPTURE(text);
    const auto factor = toJyPerBeam(text);
    REQUIRE(factor.has_value());
    CHECK(*factor == doctest::Approx(1));
  }
}

TEST_CASE("prefixes and powers of ten") {
  struct Case {
    const char* text;
    double factor;
  };
  for (const Case& c : {Case{"mJy/beam", 1e-3},      {"uJy/beam", 1e-6},       {"nJy/beam", 1e-9},
                        {"pJy/beam", 1e-12},         {"kJy/beam", 1e3},        {"MJy/beam", 1e6},
                        {"UJY/BEAM", 1e-6},          {"NJY/BEAM", 1e-9},       {"mjy/beam", 1e-3},
                        {"mJY/BEAM", 1e-3},          {"ujy/bm", 1e-6},         {"\xc2\xb5Jy/beam", 1e-6},
                        {"\xce\xbcJy beam-1", 1e-6}, {"MilliJY/BEAM", 1e-3},   {"MICROJY/BEAM", 1e-6},
                        {"1e-3 Jy/beam", 1e-3},      {"10**-6 Jy/beam", 1e-6}, {"10^-3.Jy/beam", 1e-3},
                        {"10**(-3)Jy/beam", 1e-3},   {"1000 mJy/beam", 1}}) {
    CAPTURE(c.text);
    const auto factor = toJyPerBeam(c.text);
    REQUIRE(factor.has_value());
    CHECK(*factor == doctest::Approx(c.factor).epsilon(1e-12));
  }
}

TEST_CASE("M in capitals is milli in a beam and mega in a steradian, and that is said") {
  const auto beam = fits::parsePixelUnit("MJY/BEAM"), sky = fits::parsePixelUnit("MJY/SR");
  REQUIRE(beam.has_value());
  CHECK(beam->factor == doctest::Approx(1e-3));
  CHECK(beam->note == "mJy, not MJy");
  REQUIRE(sky.has_value());
  CHECK(sky->factor == doctest::Approx(1e6));
  CHECK(sky->note == "MJy, not mJy");
  CHECK(fits::parsePixelUnit("MJy/beam")->note.empty());
}

TEST_CASE("other kinds are other kinds, and nonsense is no unit") {
  for (const char* text : {"K", "mK", "Jy", "Jy/pixel", "Jy/sr", "Jy/beam km/s", "Jy/beam/Hz", "W/m2/Hz",
                           "beam/Jy", "adu", "Jy beam", "xJy/beam", "Jy/beam2"})
    CHECK_MESSAGE((fits::parsePixelUnit(text).has_value() && !toJyPerBeam(text)), text);
  for (const char* text : {"", " ", "/", "Jy/", "Jy//beam", "?Jy/beam", "Jy/(beam km)", "Jy beam**", "3",
                           "Jy^x", "???", "Jy/beam**-99999999999999999999"})
    CHECK_MESSAGE(!fits::parsePixelUnit(text).has_value(), text);
  CHECK(*fits::factorBetween(*fits::parsePixelUnit("mK"), *fits::parsePixelUnit("K")) ==
        doctest::Approx(1e-3));
}

}  // namespace
}  // namespace otf
