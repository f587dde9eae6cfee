// Headers as they are met in the field: cards, INHERIT, padding, and which axes are the picture.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "fits/fits.h"
#include "fits/header_values.h"
#include "fits/image_axes.h"
#include "fits/test_support.h"

namespace otf {
namespace {

using namespace test;
using fits::CardValue;
using Kind = CardValue::Kind;

std::string card(std::string text) {
  text.resize(80, ' ');
  return text;
}

std::string block(std::initializer_list<std::string> lines, char pad = ' ', const std::string& end = "END") {
  std::string text;
  for (const std::string& line : lines) text += card(line);
  text += end + std::string(80 - end.size(), end.size() > 3 ? end.back() : ' ');
  text.resize((text.size() + 2879) / 2880 * 2880, pad);
  return text;
}

std::vector<std::byte> bytesOf(const std::string& text) {
  const auto* begin = reinterpret_cast<const std::byte*>(text.data());
  return {begin, begin + text.size()};
}

/// An array of float32 of the given axes whose pixels count up from 0.
std::string floats(size_t count) {
  std::string data;
  for (size_t i = 0; i < count; ++i) {
    const auto value = static_cast<float>(i);
    uint32_t bits = 0;
    std::memcpy(&bits, &value, sizeof bits);
    for (const int shift : {24, 16, 8, 0}) data += static_cast<char>(bits >> shift);
  }
  data.resize((data.size() + 2879) / 2880 * 2880, '\0');
  return data;
}

std::string image(std::initializer_list<std::string> more, const std::vector<int>& axes, char pad = ' ',
                  const std::string& end = "END") {
  std::string text =
      card("SIMPLE  = T") + card("BITPIX  = -32") + card("NAXIS   = " + std::to_string(axes.size()));
  size_t count = 1;
  for (size_t i = 0; i < axes.size(); ++i) {
    text += card("NAXIS" + std::to_string(i + 1) + "  = " + std::to_string(axes[i]));
    count *= static_cast<size_t>(axes[i]);
  }
  for (const std::string& line : more) text += card(line);
  text += end + std::string(80 - end.size(), ' ');
  text.resize((text.size() + 2879) / 2880 * 2880, pad);
  return text + floats(count);
}

TEST_CASE("numbers are read as the standard and CFITSIO read them") {
  struct Case {
    const char* field;
    double number;
  };
  for (const Case& c : {Case{" 1.501D+02", 150.1},
                        {"1.501d2 / x", 150.1},
                        {" -3.02E1", -30.2},
                        {"=", 0},
                        {" +.5", 0.5},
                        {" 7.", 7},
                        {" 150.1/deg", 150.1}}) {
    if (std::string(c.field) == "=") continue;
    const CardValue value = fits::readField(c.field);
    CHECK_MESSAGE(value.isNumber(), c.field);
    CHECK(value.number == doctest::Approx(c.number));
    CHECK_FALSE(value.loose);
  }
  CHECK(fits::readField(" 150.1 deg").loose);
  CHECK(*fits::numberOf(fits::readField(" '150.1 '")) == 150.1);
  for (const char* field : {" NaN", " inf", " 12 30 45.6", " 12:30:45", " 150,1", " 1.5E", " E5", " 0x10",
                            " 1e999", " --5", " + 5", " 'open", " (1,2)"})
    CHECK_MESSAGE(fits::readField(field).kind == Kind::kMalformed, field);
  CHECK(fits::readField("   / comment").kind == Kind::kUndefined);
  CHECK(fits::readField("").kind == Kind::kUndefined);
  CHECK(fits::readField(" T").kind == Kind::kLogical);
  CHECK(fits::readField(" 'it''s' / x").text == "it's");
}

TEST_CASE("cards written in other ways are found") {
  for (const char* line :
       {"CRVAL1  = 150.1", "CRVAL1  =150.1", "crval1  = 150.1", "CRVAL1 = 150.1", "CRVAL1=150.1",
        "HIERARCH CRVAL1 = 150.1", "CRVAL1  =\t150.1", "CRVAL1  = 1.501D2"}) {
    CAPTURE(line);
    const std::string cards =
        fits::imageCards(fits::printableCards(card("COMMENT = 3") + card(line) + card("END")), "", -32, {});
    CHECK(cards.find("CRVAL1  = ") != std::string::npos);
    CHECK(fits::findValue(cards, "CRVAL1").number == 150.1);
  }
  CHECK_FALSE(fits::splitCard(card("HISTORY x = 5")).has_value());
  CHECK_FALSE(fits::splitCard(card("CRVAL1    150.1")).has_value());
  CHECK_FALSE(fits::splitCard(card("TWO WORDS = 5")).has_value());
}

TEST_CASE("what stands behind END is no header") {
  CHECK(fits::findValue(card("END") + card("CRVAL1  = 5"), "CRVAL1").kind == Kind::kAbsent);
}

TEST_CASE("END and blocks filled with NUL") {
  const std::string end("END\0\0\0\0", 7);
  for (const char pad : {' ', '\0'}) {
    for (const std::string& mark : {std::string("END"), end}) {
      const auto bytes = bytesOf(image({"BUNIT   = 'Jy/beam'"}, {4, 3}, pad, mark));
      FitsImage opened = FitsImage::openMemory(bytes, "a.fits");
      CHECK(opened.info().bunit == "Jy/beam");
      float last = 0;
      opened.readWindow(3, 2, 1, 1, &last, 1);
      CHECK(last == 11);
    }
  }
}

TEST_CASE("BUNIT in its forms") {
  const auto unitOf = [](const std::string& line) {
    return FitsImage::openMemory(bytesOf(image({line}, {4, 3})), "a.fits").info().bunit;
  };
  CHECK(unitOf("BUNIT   = 'mJy/beam' / x") == "mJy/beam");
  CHECK(unitOf("BUNIT   ='mJy/beam'") == "mJy/beam");
  CHECK(unitOf("bunit   = 'mJy/beam'") == "mJy/beam");
  CHECK(unitOf("BUNIT   = '\xb5Jy/beam'") == "uJy/beam");
  CHECK(unitOf("BUNIT   = '\xc2\xb5Jy/beam'") == "uJy/beam");
  CHECK(unitOf("BUNIT   = Jy/beam / of the map") == "Jy/beam");
  CHECK(unitOf("BUNIT   =") == "");
  CHECK(unitOf("BUNIT   = '        '") == "");
}

TEST_CASE("INHERIT takes keywords from a primary HDU without data") {
  const auto file = [](const char* inherit, bool data) {
    const std::string primary = data ? image({"BUNIT   = 'mJy/beam'"}, {4})
                                     : block({"SIMPLE  = T", "BITPIX  = 8", "NAXIS   = 0", "EXTEND  = T",
                                              "BUNIT   = 'mJy/beam'", "BMAJ    = 0.002", "BSCALE  = 5.0"});
    return bytesOf(primary +
                   block({"XTENSION= 'IMAGE'", "BITPIX  = -32", "NAXIS   = 2", "NAXIS1  = 4", "NAXIS2  = 3",
                          "PCOUNT  = 0", "GCOUNT  = 1", inherit, "BMAJ    = 0.003"}) +
                   floats(12));
  };
  const auto with = file("INHERIT = T", false), without = file("INHERIT = F", false),
             own = file("INHERIT = T", true);
  FitsImage inherits = FitsImage::openMemory(with, "a.fits");
  CHECK(inherits.info().bunit == "mJy/beam");
  CHECK(inherits.info().beam->bmajDeg == 0.003);
  float last = 0;
  inherits.readWindow(3, 2, 1, 1, &last, 1);
  CHECK(last == 11);
  CHECK(FitsImage::openMemory(without, "a.fits").info().bunit.empty());
  const FitsImage refused = FitsImage::openMemory(own, "a.fits");
  CHECK(refused.info().bunit.empty());
  REQUIRE(refused.info().warnings.size() >= 1);
  CHECK(refused.info().warnings[0].find("INHERIT") != std::string::npos);
}

TEST_CASE("the picture is the plane of the celestial axes, wherever they stand") {
  struct Case {
    std::vector<int64_t> dims;
    std::vector<std::string> ctypes;
    int x, y;  // 0-based, -1 = none
  };
  for (const Case& c : std::vector<Case>{
           {{5, 6}, {"", ""}, 0, 1},
           {{5, 6, 3}, {"", "", ""}, 0, 1},
           {{4, 5, 6}, {"FREQ", "RA---SIN", "DEC--SIN"}, 1, 2},
           {{5, 4, 6}, {"RA---SIN", "VELO-LSR", "DEC--SIN"}, 0, 2},
           {{4, 5, 6}, {"STOKES", "DEC--TAN", "RA---TAN"}, 1, 2},
           {{2, 5, 3, 6}, {"STOKES", "GLON-CAR", "FREQ", "GLAT-CAR"}, 1, 3},
           {{2, 5, 6}, {"LINEAR", "HPLN-TAN", "HPLT-TAN"}, 1, 2},
           {{4, 5, 6}, {"FREQ", "", ""}, 1, 2},
           {{4, 5, 6}, {"FREQ", "X", "Y"}, 1, 2},
           {{5, 6, 1, 1}, {"", "", "RA---SIN", "DEC--SIN"}, 0, 1},
           {{1, 5, 1, 6}, {"FREQ", "ra---sin", "STOKES", "dec--sin"}, 1, 3},
           {{5, 6}, {"RA---SIN", "LINEAR"}, 0, 1},
           {{5, 6}, {"RA---SIN", "FREQ"}, -1, -1},
           {{5, 6, 1}, {"RA---SIN", "FREQ", "DEC--SIN"}, -1, -1},
           {{5, 6}, {"STOKES", "FREQ"}, -1, -1},
           {{5, 6}, {"TIME", "FREQ"}, -1, -1},
           {{5, 1}, {"RA---SIN", "DEC--SIN"}, -1, -1},
           {{}, {}, -1, -1},
       }) {
    const fits::ImageAxes axes = fits::chooseImageAxes(c.dims, c.ctypes);
    CAPTURE(c.ctypes.size());
    CHECK(axes.x == c.x);
    CHECK(axes.y == c.y);
  }
}

TEST_CASE("pixels and planes of a picture whose axes are not the first two") {
  // Pixel (i, j, k) of an array of 4 x 5 x 6 is i + 4 j + 20 k.
  const auto open = [](std::initializer_list<std::string> ctypes, int64_t plane) {
    static std::vector<std::byte> bytes;
    bytes = bytesOf(image(ctypes, {4, 5, 6}));
    return FitsImage::openMemory(bytes, "a.fits", {std::nullopt, plane});
  };
  FitsImage last = open({"CTYPE1  = 'FREQ'", "CTYPE2  = 'RA---SIN'", "CTYPE3  = 'DEC--SIN'"}, 3);
  CHECK(last.info().width == 5);
  CHECK(last.info().height == 6);
  CHECK(last.info().planes == 4);
  std::vector<float> out(30);
  last.readWindow(0, 0, 5, 6, out.data(), 5);
  for (size_t y = 0; y < 6; ++y) {
    for (size_t x = 0; x < 5; ++x) CHECK(out[y * 5 + x] == static_cast<float>(3 + 4 * x + 20 * y));
  }
  FitsImage around = open({"CTYPE1  = 'RA---SIN'", "CTYPE2  = 'FREQ'", "CTYPE3  = 'DEC--SIN'"}, 2);
  CHECK(around.info().axes[1] == 3);
  CHECK(around.info().planes == 5);
  std::vector<float> part(6, -1);
  around.readWindow(1, 4, 2, 2, part.data(), 3);
  CHECK(part == std::vector<float>{89, 90, -1, 109, 110, -1});
  checkFails(Code::kFitsNoImage, "has no plane 5; it has 5",
             [&] { open({"CTYPE1  = 'RA---SIN'", "CTYPE2  = 'FREQ'", "CTYPE3  = 'DEC--SIN'"}, 5); });
}

TEST_CASE("a slice along a spectral axis is no picture, and the message says what it is") {
  const auto bytes = bytesOf(image({"CTYPE1  = 'FREQ'", "CTYPE2  = 'RA---SIN'"}, {4, 5}));
  checkFails(Code::kFitsNoImage, "4 FREQ by 5 RA---SIN is no picture of the sky",
             [&] { FitsImage::openMemory(bytes, "a.fits"); });
  checkFails(Code::kFitsNoImage, "4 FREQ by 5 RA---SIN",
             [&] { FitsImage::openMemory(bytes, "a.fits", {0, 0}); });
}

TEST_CASE("messages call a file what the caller calls it") {
  const auto bytes = bytesOf(image({}, {4, 3}));
  CHECK(FitsImage::openMemory(bytes, "memory", {std::nullopt, 0, "field.fits"}).info().label == "field.fits");
  checkFails(Code::kFitsUnreadable, "field.fits",
             [] { FitsImage::open("/no/such/place/upload-1", {std::nullopt, 0, "field.fits"}); });
  const auto failure =
      failureOf([] { FitsImage::open("/no/such/place/upload-1", {std::nullopt, 0, "field.fits"}); });
  CHECK(failure->message.find("upload-1") == std::string::npos);
}

TEST_CASE("a map beside an image: its only plane, or that of the image's plane") {
  const TemporaryFolder folder;
  for (const int planes : {1, 2, 4})
    writeBytes(folder / ("p" + std::to_string(planes)), bytesOf(image({}, {2, 2, planes})));
  const FitsInfo third = FitsImage::open(folder / "p4", {{}, 2}).info();
  CHECK(third.plane == 2);
  const auto first = [&](const std::string& name) {
    FitsImage map = FitsImage::openBeside(folder / name, {}, third);
    float value = 0;
    map.readWindow(0, 0, 1, 1, &value, 1);
    return value;
  };
  CHECK(first("p4") == 8);
  CHECK(first("p1") == 0);
  checkFails(Code::kMapMismatch, "has 2 planes", [&] { first("p2"); });
}

TEST_CASE("keywords that are there twice with different values: the first counts, and a warning says so") {
  const auto warningsOf = [](std::initializer_list<std::string> cards) {
    const std::vector<std::byte> bytes = bytesOf(image(cards, {4, 4}));
    return FitsImage::openMemory(bytes, "it").info().warnings;
  };
  for (const std::string name : {"BMAJ", "BMIN", "BPA", "BUNIT", "BSCALE", "BZERO"}) {
    const std::string keyword = name + std::string(8 - name.size(), ' ') + "= ";
    const auto found = warningsOf({keyword + "1", keyword + "2"});
    const auto isIt = [&](const std::string& line) {
      return line == name + " is there more than once with different values: the first one counts";
    };
    CHECK_MESSAGE(std::ranges::count_if(found, isIt) == 1, name);
    CHECK(std::ranges::none_of(warningsOf({keyword + "1", keyword + "1.0"}), isIt));
  }
}

/// 64-bit integers.
std::vector<float> longPixels(std::initializer_list<std::string> more, const std::vector<int64_t>& values) {
  std::string text = card("SIMPLE  = T") + card("BITPIX  = 64") + card("NAXIS   = 2") +
                     card("NAXIS1  = " + std::to_string(values.size() / 2)) + card("NAXIS2  = 2");
  for (const std::string& line : more) text += card(line);
  text += card("END");
  text.resize(2880, ' ');
  for (const int64_t value : values) {
    for (int shift = 56; shift >= 0; shift -= 8)
      text += static_cast<char>(static_cast<uint64_t>(value) >> shift);
  }
  text.resize(5760, '\0');
  const std::vector<std::byte> bytes = bytesOf(text);
  FitsImage read = FitsImage::openMemory(bytes, "it");
  CHECK(read.info().warnings.empty());
  std::vector<float> out(values.size());
  const auto columns = static_cast<int64_t>(values.size() / 2);
  read.readWindow(0, 0, columns, 2, out.data(), columns);
  return out;
}

TEST_CASE("64-bit integers: a blank of the lowest value, and numbers without a sign") {
  constexpr int64_t kLowest = std::numeric_limits<int64_t>::min();
  const std::vector<float> blank = longPixels({"BLANK   = -9223372036854775808"}, {kLowest, 1, -7, 3});
  CHECK(std::isnan(blank[0]));
  CHECK(std::vector<float>(blank.begin() + 1, blank.end()) == std::vector<float>{1, -7, 3});
  const std::vector<float> whole =
      longPixels({"BZERO   = 9223372036854775808", "BLANK   = 7"}, {kLowest, kLowest + 1, kLowest + 300, 7});
  CHECK(std::vector<float>(whole.begin(), whole.end() - 1) == std::vector<float>{0, 1, 300});
  CHECK(std::isnan(whole[3]));
}

}  // namespace
}  // namespace otf
