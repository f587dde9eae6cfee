#include <doctest/doctest.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "fits/fits.h"
#include "fits/test_support.h"

using namespace otf;
using test::TemporaryFolder;

namespace {

/// Header blocks and data of one HDU, padded.
std::vector<std::byte> hdu(std::vector<std::string> cards, size_t dataBytes) {
  cards.emplace_back("END");
  std::string text;
  for (std::string card : cards) {
    card.resize(80, ' ');
    text += card;
  }
  text.resize((text.size() + 2879) / 2880 * 2880, ' ');
  text.append((dataBytes + 2879) / 2880 * 2880, '\0');
  const auto* first = reinterpret_cast<const std::byte*>(text.data());
  return {first, first + text.size()};
}

std::string integer(const std::string& name, int64_t value) {
  std::string card = name;
  card.resize(8, ' ');
  return card + "= " + std::string(20 - std::to_string(value).size(), ' ') + std::to_string(value);
}

const std::vector<std::string> kEmptyPrimary = {"SIMPLE  =                    T", integer("BITPIX", 8),
                                                integer("NAXIS", 0)};

std::vector<std::string> cube(int64_t planes) {
  return {"XTENSION= 'IMAGE   '", integer("BITPIX", 8), integer("NAXIS", 3),
          integer("NAXIS1", 4),   integer("NAXIS2", 3), integer("NAXIS3", planes),
          integer("PCOUNT", 0),   integer("GCOUNT", 1), "EXTNAME = 'CUBE    '"};
}

void append(std::vector<std::byte>& to, const std::vector<std::byte>& more) {
  to.insert(to.end(), more.begin(), more.end());
}

}  // namespace

TEST_CASE("the images of a file are listed, with what stands between them left out") {
  const TemporaryFolder folder;
  std::vector<std::byte> bytes = hdu(kEmptyPrimary, 0);
  append(bytes, hdu(cube(2), 24));
  append(bytes, hdu({"XTENSION= 'BINTABLE'", integer("BITPIX", 8), integer("NAXIS", 2), integer("NAXIS1", 4),
                     integer("NAXIS2", 1), integer("PCOUNT", 0), integer("GCOUNT", 1), integer("TFIELDS", 1),
                     "TFORM1  = '1J      '"},
                    4));
  append(bytes, hdu(cube(5), 60));
  test::writeBytes(folder / "several.fits", bytes);
  std::vector<std::string> warnings;
  const std::vector<ImageHdu> images = listImages(folder / "several.fits", "", 100, warnings);
  REQUIRE(images.size() == 2);
  CHECK(images[0].hdu == 1);
  CHECK(images[0].extname == "CUBE");
  CHECK(images[0].width == 4);
  CHECK(images[0].height == 3);
  CHECK(images[0].planes == 2);
  CHECK(images[1].hdu == 3);
  CHECK(images[1].planes == 5);
  CHECK(warnings.empty());
  CHECK(listImages(folder / "several.fits", "", 1, warnings).size() == 1);

  SUBCASE("damage behind an image is told, and hides none before it") {
    bytes.resize(bytes.size() - 2880);
    test::writeBytes(folder / "cut.fits", bytes);
    const std::vector<ImageHdu> left = listImages(folder / "cut.fits", "my.fits", 100, warnings);
    CHECK(left.size() == 1);
    REQUIRE(warnings.size() == 1);
    CHECK(warnings[0].find("my.fits, HDU 3") != std::string::npos);
  }
  SUBCASE("what cannot be read at all is refused") {
    test::writeBytes(folder / "no.fits", {bytes.begin() + 80, bytes.end()});
    test::checkFails(Code::kFitsUnreadable, "not a FITS file",
                     [&] { listImages(folder / "no.fits", "", 100, warnings); });
  }
}
