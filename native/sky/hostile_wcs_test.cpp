// Headers whose WCS is absent, broken or hostile.
#include <doctest/doctest.h>

#include <cmath>
#include <fstream>
#include <iterator>
#include <random>
#include <vector>

#include "error/error.h"
#include "sky/wcs.h"

/// For the sanitizer build: wcslib 7.12 loses a few bytes of its own for each header it refuses.
extern "C" __attribute__((visibility("default"))) const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() { return "leak:linset\nleak:wcserr_set\n"; }

namespace otf {
namespace {

constexpr int kAxes[2] = {1, 2};

std::string cards(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + std::string(80 - line.size(), ' ');
  return text + "END" + std::string(77, ' ');
}

std::vector<std::string> good() {
  return {"SIMPLE  = T",     "BITPIX  = -32",        "NAXIS   = 2",          "NAXIS1  = 100",
          "NAXIS2  = 100",   "CTYPE1  = 'RA---SIN'", "CTYPE2  = 'DEC--SIN'", "CRPIX1  = 50.0",
          "CRPIX2  = 50.0",  "CRVAL1  = 150.0",      "CRVAL2  = 2.0",        "CDELT1  = -0.001",
          "CDELT2  = 0.001", "RADESYS = 'ICRS'"};
}

/// The good header with one card changed or added.
std::string with(const std::string& line, const std::string& second = "") {
  std::vector<std::string> lines = good();
  for (const std::string& change : {line, second}) {
    if (change.empty()) continue;
    bool found = false;
    for (std::string& old : lines) {
      if (old.substr(0, 8) != change.substr(0, 8)) continue;
      old = change;
      found = true;
    }
    if (!found) lines.push_back(change);
  }
  return cards(lines);
}

void checkInvalid(const std::string& header, const std::string& words) {
  CAPTURE(words);
  try {
    const std::optional<Wcs> wcs = Wcs::fromCards(header, kAxes);
    FAIL_CHECK("accepted (", wcs.has_value(), "): ", header);
  } catch (const OtfError& error) {
    const std::string message = error.what();
    CHECK_MESSAGE(error.code() == Code::kWcsInvalid, message);
    CHECK_MESSAGE(message.find(words) != std::string::npos, message);
    CHECK(message.find('\n') == std::string::npos);
  }
}

TEST_CASE("the good header is good") { CHECK(Wcs::fromCards(cards(good()), kAxes).has_value()); }

TEST_CASE("no celestial axes is not an error") {
  CHECK_FALSE(Wcs::fromCards(cards({"SIMPLE  = T", "NAXIS   = 2"}), kAxes).has_value());
  CHECK_FALSE(Wcs::fromCards(with("CTYPE1  = 'LINEAR'", "CTYPE2  = 'LINEAR'"), kAxes).has_value());
  CHECK_FALSE(Wcs::fromCards(with("CTYPE1  = 'FREQ'"), kAxes).has_value());
  const int others[2] = {3, 4};
  CHECK_FALSE(Wcs::fromCards(cards(good()), others).has_value());
  CHECK_FALSE(Wcs::fromCards("", kAxes).has_value());
}

TEST_CASE("broken celestial axes are told in one line") {
  checkInvalid(with("CRVAL1  = NaN"), "CRVAL1 = NaN is not usable");
  checkInvalid(with("CRVAL2  = inf"), "CRVAL2");
  checkInvalid(with("CRPIX1  = 'x'"), "CRPIX1");
  checkInvalid(with("CDELT1  = 0.0"), "ingular");
  checkInvalid(with("CDELT1  ="), "CDELT1");
  checkInvalid(with("CD1_1   = 1.0", "CD2_1   = 1.0"), "ingular");
  checkInvalid(with("PC1_1   = 0.0", "PC2_2   = 0.0"), "ingular");
  checkInvalid(with("CTYPE1  = 'RA---XYZ'", "CTYPE2  = 'DEC--XYZ'"), "XYZ");
  checkInvalid(with("CTYPE2  = 'DEC--TAN'"), "");
  checkInvalid(with("CTYPE2  = 'RA---SIN'"), "");
  checkInvalid(with("CTYPE2  = 'GLAT-SIN'"), "");
  checkInvalid(with("CTYPE1  = 'RA'", "CTYPE2  = 'DEC'"), "name no celestial projection");
  checkInvalid(with("CTYPE1  = 'ELON-CAR'", "CTYPE2  = 'ELAT-CAR'"), "type ELON are not supported");
  checkInvalid(with("CTYPE1  = 'HPLN-TAN'", "CTYPE2  = 'HPLT-TAN'"), "not supported");
  checkInvalid(with("CUNIT1  = 'Hz'"), "");
  checkInvalid(with("RADESYS = 'GAPPT'"), "RADESYS = 'GAPPT'");
  checkInvalid(with("EQUINOX = 0.0", "RADESYS = 'FK5'"), "EQUINOX = 0 is not a year");
  checkInvalid(with("EQUINOX = 1e300", "RADESYS = 'FK5'"), "EQUINOX");
  checkInvalid(with("WCSAXES = 2000000000"), "WCSAXES");
  checkInvalid(with("A_ORDER = 100000"), "A_ORDER");
  checkInvalid(with("CTYPE1  = 'RA---SIN" + std::string(60, 'x')), "CTYPE1");
  checkInvalid(with("CUNIT2  = 'deg"), "CUNIT2");
  checkInvalid(with("LONPOLE = NaN"), "LONPOLE");
}

TEST_CASE("a string without an end is blanked when it does not matter") {
  CHECK(Wcs::fromCards(with("OBSERVER= '" + std::string(69, 'x')), kAxes).has_value());
  CHECK(Wcs::fromCards(with("CTYPE3  = '" + std::string(69, 'x')), kAxes).has_value());
}

TEST_CASE("mutated headers either work or fail in words") {
  std::mt19937 random(20260102);
  int failed = 0, worked = 0;
  for (const char* name : {"sin", "sip", "tpv", "four_axes", "cd", "galactic", "slant_sin", "crota"}) {
    std::ifstream stream(std::string(OTF_FIXTURES) + "/fits/wcs/" + name + ".hdr", std::ios::binary);
    const std::string original((std::istreambuf_iterator<char>(stream)), {});
    REQUIRE(original.size() >= 80);
    for (int round = 0; round < 300; ++round) {
      CAPTURE(name);
      CAPTURE(round);
      std::string header = original;
      for (unsigned i = 0; i < 1 + random() % 4; ++i) {
        // Printable, as FitsInfo::cards are.
        header[random() % header.size()] = static_cast<char>(0x20 + random() % 95);
      }
      try {
        const std::optional<Wcs> wcs = Wcs::fromCards(header, kAxes);
        if (wcs) {
          for (const double at : {0.0, 37.5, 1e6, -1e12}) {
            const auto sky = wcs->pixelToSky(at, 10);
            if (sky) wcs->skyToPixel(*sky);
            wcs->jacobian(at, 10);
          }
        }
        ++worked;
      } catch (const OtfError& error) {
        CHECK(std::string(error.what()).find('\n') == std::string::npos);
        ++failed;
      }
    }
  }
  MESSAGE("mutations: ", failed, " refused, ", worked, " worked");
  CHECK(failed > 20);
  CHECK(worked > 20);
}

}  // namespace
}  // namespace otf
