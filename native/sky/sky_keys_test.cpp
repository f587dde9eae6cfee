// Images that are written beside another lie where it does: by what they say, read again as any image is.
#include "sky/sky_keys.h"

#include <doctest/doctest.h>

#include <cmath>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <sstream>

#include "fits/test_support.h"
#include "sky/wcs.h"

namespace otf {
namespace {

std::string card(const std::string& name, const std::string& value) {
  std::string text = name;
  text.resize(8, ' ');
  text += "= " + value;
  text.resize(80, ' ');
  return text;
}

/// A file with these keywords, as whoever opens it has them.
FitsInfo written(const test::TemporaryFolder& folder, const std::vector<FitsKey>& keys) {
  const std::string path = folder / "image.fits";
  const std::vector<float> pixels(16, 1);
  writeFitsImage(path, 4, 4, keys, pixels.data());
  return FitsImage::open(path).info();
}

void checkSame(const std::string& name, const std::string& cards, const int axes[2], int64_t x, int64_t y) {
  INFO(name);
  const test::TemporaryFolder folder;
  std::vector<std::string> warnings;
  const std::optional<Wcs> from = Wcs::fromCards(cards, axes, warnings);
  const FitsInfo info = written(folder, sky::skyKeys(cards, axes, x, y));
  const std::optional<Wcs> to = Wcs::fromCards(info.cards, info.axes, warnings);
  REQUIRE(from);
  REQUIRE(to);
  CHECK(from->frame().system == to->frame().system);
  CHECK(from->frame().equinox == to->frame().equinox);
  CHECK(from->frame().native == to->frame().native);
  for (const auto& [px, py] : {std::pair{3.0, 4.0}, {120.0, 60.0}, {250.5, 11.0}}) {
    const auto a = from->pixelToSky(px, py);
    const auto b = to->pixelToSky(px - static_cast<double>(x), py - static_cast<double>(y));
    REQUIRE(a.has_value() == b.has_value());
    if (!a) continue;
    CHECK(std::remainder(a->raDeg - b->raDeg, 360.0) == doctest::Approx(0).epsilon(1e-9));
    CHECK(a->decDeg == doctest::Approx(b->decDeg).epsilon(1e-11));
  }
}

/// A header of 2 axes without a matrix.
std::string plain(const std::string& projection) {
  return card("CTYPE1", "'RA---" + projection + "'") + card("CTYPE2", "'DEC--" + projection + "'") +
         card("CRPIX1", "128.5") + card("CRPIX2", "64.25") + card("CRVAL1", "150.1") +
         card("CRVAL2", "-30.5");
}

constexpr int kAxes[2] = {1, 2};

TEST_CASE("every header whose sky is known against astropy is told as well by the images beside it") {
  std::ifstream stream(std::string(OTF_FIXTURES) + "/fits/sky.txt");
  std::string last;
  int headers = 0;
  for (std::string line; std::getline(stream, line);) {
    std::string name;
    int axes[2] = {0, 0};
    std::istringstream(line) >> name >> axes[0] >> axes[1];
    if (name == last) continue;
    last = name;
    std::ifstream file(std::string(OTF_FIXTURES) + "/fits/wcs/" + name + ".hdr", std::ios::binary);
    const std::string cards{(std::istreambuf_iterator<char>(file)), {}};
    ++headers;
    checkSame(name, cards, axes, 0, 0);
    checkSame(name, cards, axes, 7, -3);
  }
  CHECK(headers > 8);
}

TEST_CASE("frames and matrices in older keywords, SIP and parameters of projections are told, too") {
  const std::string step = card("CDELT1", "-0.001") + card("CDELT2", "0.001");
  const auto same = [](const char* name, const std::string& cards) {
    checkSame(name, cards + card("END", ""), kAxes, 5, 6);
  };
  same("EPOCH", plain("SIN") + step + card("EPOCH", "1950.0"));
  same("RADECSYS", plain("SIN") + step + card("RADECSYS", "'FK4'") + card("EQUINOX", "1950.0"));
  same("EQUINOX as text", plain("SIN") + step + card("EQUINOX", "'B1950.0'"));
  same("PC001001", plain("TAN") + step + card("PC001001", "0.8") + card("PC001002", "-0.6") +
                       card("PC002001", "0.6") + card("PC002002", "0.8"));
  same("CD001001", plain("TAN") + card("CD001001", "-8E-4") + card("CD001002", "6E-4") +
                       card("CD002001", "6E-4") + card("CD002002", "8E-4"));
  same("SIP", plain("TAN-SIP") + step + card("A_ORDER", "2") + card("B_ORDER", "2") + card("A_2_0", "1E-3") +
                  card("B_0_2", "-2E-3"));
  same("ZPN", plain("ZPN") + step + card("PV2_1", "1.0") + card("PV2_3", "500.0"));
  same("TPV", plain("TPV") + step + card("PV1_1", "1.02") + card("PV2_1", "0.98") + card("PV1_4", "3.0") +
                  card("PV2_4", "2.0"));
  same("a keyword twice", plain("SIN") + step + card("CRVAL2", "-29.0"));
  same("small letters",
       card("CTYPE1", "'ra---sin'") + card("CTYPE2", "'dec--sin'") + plain("SIN").substr(160) + step);
}

TEST_CASE("axes of the sky become the first two") {
  const int axes[2] = {1, 3};
  std::string cards = card("CTYPE1", "'RA---SIN'") + card("CTYPE3", "'DEC--SIN'") + card("CRPIX1", "8") +
                      card("CRPIX3", "9") + card("CRVAL1", "150") + card("CRVAL3", "-30") +
                      card("CDELT1", "-0.001") + card("CDELT3", "0.002") + card("PC1_3", "0.25") +
                      card("PC003001", "-0.1") + card("PV3_1", "0.1") + card("CTYPE2", "'TIME'") +
                      card("CRVAL2", "5") + card("CTYPE1A", "'LINEAR'") + card("B_FIELD", "3") +
                      card("END", "");
  std::map<std::string, double> found;
  for (const FitsKey& key : sky::skyKeys(cards, axes)) found[key.name] = key.number;
  CHECK(found.size() == 11);
  CHECK(found.at("CRPIX2") == 9);
  CHECK(found.at("CDELT2") == 0.002);
  CHECK(found.at("PC1_2") == 0.25);
  CHECK(found.at("PC002001") == -0.1);
  CHECK(found.at("PV2_1") == 0.1);
}

}  // namespace
}  // namespace otf
