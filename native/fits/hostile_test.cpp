// Files that lie. Whatever the bytes: an OtfError of one line, or pixels;
// never a crash, never memory out of proportion.
#include <cmath>
#include <cstdio>
#include <cstring>
#include <random>

#include "fits/fits.h"
#include "fits/test_support.h"

namespace otf {
namespace {

using namespace test;
using Bytes = std::vector<std::byte>;

Bytes bytesOf(const std::string& text) {
  const auto* begin = reinterpret_cast<const std::byte*>(text.data());
  return {begin, begin + text.size()};
}

std::string card(const std::string& text) { return text + std::string(80 - text.size(), ' '); }

/// One header of the given cards, and `dataBytes` zeros.
Bytes fileOf(std::initializer_list<const char*> lines, size_t dataBytes) {
  std::string text;
  for (const char* line : lines) text += card(line);
  text += card("END");
  text.resize((text.size() + 2879) / 2880 * 2880, ' ');
  Bytes bytes = bytesOf(text);
  bytes.resize(bytes.size() + dataBytes);
  return bytes;
}

void readAll(std::span<const std::byte> bytes, FitsSelect select = {}) {
  FitsImage image = FitsImage::openMemory(bytes, "hostile.fits", select);
  const int64_t columns = std::min<int64_t>(image.info().width, 256),
                rows = std::min<int64_t>(image.info().height, 256);
  std::vector<float> out(static_cast<size_t>(columns * rows));
  image.readWindow(0, 0, columns, rows, out.data(), columns);
}

/// Replace the value of a card in the header that starts at or after `from`.
void setCard(Bytes& bytes, const std::string& keyword, const std::string& value, size_t from = 0) {
  const std::string name = (keyword + "        ").substr(0, 8);
  for (size_t at = from / 80 * 80; at + 80 <= bytes.size(); at += 80) {
    if (std::memcmp(bytes.data() + at, name.data(), 8) != 0) continue;
    const std::string text = card(name + "= " + value);
    std::memcpy(bytes.data() + at, text.data(), 80);
    return;
  }
  FAIL("no card ", keyword);
}

/// Where the k-th header of a file starts.
size_t headerOffset(const Bytes& bytes, int hdu) {
  int found = 0;
  for (size_t at = 0; at + 2880 <= bytes.size(); at += 2880) {
    const char* text = reinterpret_cast<const char*>(bytes.data()) + at;
    if (std::strncmp(text, "SIMPLE  =", 9) != 0 && std::strncmp(text, "XTENSION=", 9) != 0) continue;
    if (found++ == hdu) return at;
  }
  FAIL("no HDU ", hdu);
  return 0;
}

TEST_CASE("what is not FITS is told by its first bytes") {
  const auto open = [](const std::string& text) { return [bytes = bytesOf(text)] { readAll(bytes); }; };
  checkFails(Code::kFitsUnreadable, "it is empty", open(""));
  checkFails(Code::kFitsUnreadable, "first bytes \"hello\"", open("hello"));
  checkFails(Code::kFitsUnreadable, "first bytes \"\\x89PNG\\x0d\\x0a\\x1a\\x0a\"",
             open("\x89PNG\r\n\x1a\n0123456789"));
  checkFails(Code::kFitsUnreadable, "gunzip",
             open(std::string("\x1f\x8b\x08\x00", 4) + std::string(100, 'x')));
  checkFails(Code::kFitsUnreadable, "cannot open", [] { FitsImage::open("no/such/file.fits"); });
  checkFails(Code::kFitsUnreadable, "not a regular file", [] { FitsImage::open("/dev/null"); });
  checkFails(Code::kFitsUnreadable, "not a regular file", [] { FitsImage::open("/"); });
}

TEST_CASE("a header that claims 200000x200000 pixels in a small file") {
  const Bytes bytes = fileOf(
      {"SIMPLE  =                    T", "BITPIX  =                  -32", "NAXIS   =                    2",
       "NAXIS1  =               200000", "NAXIS2  =               200000"},
      500);
  checkFails(Code::kFitsTruncated, "promises 160000000000 bytes of data, the file holds 500",
             [&] { readAll(bytes); });
}

TEST_CASE("sizes that overflow 64 bits are still compared with the file") {
  const Bytes bytes =
      fileOf({"SIMPLE  = T", "BITPIX  = 64", "NAXIS   = 4", "NAXIS1  = 1000000000000",
              "NAXIS2  = 1000000000000", "NAXIS3  = 1000000000000", "NAXIS4  = 1000000000000"},
             2880);
  checkFails(Code::kFitsTruncated, "the file holds 2880", [&] { readAll(bytes); });
}

TEST_CASE("nonsense in mandatory keywords") {
  const auto image = [](const char* bitpix, const char* naxis, const char* naxis1) {
    return
        [=, bytes = fileOf({"SIMPLE  = T", bitpix, naxis, naxis1, "NAXIS2  = 10"}, 2880)] { readAll(bytes); };
  };
  checkFails(Code::kFitsUnreadable, "BITPIX = 12", image("BITPIX  = 12", "NAXIS   = 2", "NAXIS1  = 10"));
  checkFails(Code::kFitsUnreadable, "BITPIX = x", image("BITPIX  = x", "NAXIS   = 2", "NAXIS1  = 10"));
  checkFails(Code::kFitsUnreadable, "NAXIS = 2000", image("BITPIX  = 8", "NAXIS   = 2000", "NAXIS1  = 10"));
  checkFails(Code::kFitsUnreadable, "NAXIS1 = -5", image("BITPIX  = 8", "NAXIS   = 2", "NAXIS1  = -5"));
  checkFails(Code::kFitsUnreadable, "NAXIS1 = 9223372036854775808",
             image("BITPIX  = 8", "NAXIS   = 2", "NAXIS1  = 9223372036854775808"));
  checkFails(Code::kFitsUnreadable, "NAXIS1 is missing", image("BITPIX  = 8", "NAXIS   = 2", "HISTORY x"));
  checkFails(Code::kFitsUnreadable, "NAXIS2 appears 2 times",
             [bytes = fileOf({"SIMPLE  = T", "BITPIX  = 8", "NAXIS   = 2", "NAXIS1  = 10", "NAXIS2  = 10",
                              "NAXIS2  = 20"},
                             2880)] { readAll(bytes); });
  checkFails(Code::kFitsUnreadable, "BSCALE",
             [bytes = fileOf({"SIMPLE  = T", "BITPIX  = 8", "NAXIS   = 2", "NAXIS1  = 10", "NAXIS2  = 10",
                              "BSCALE  = 'wide'"},
                             2880)] { readAll(bytes); });
}

TEST_CASE("a file cut at any length is truncated, or complete in the part that is asked for") {
  struct Case {
    const char* name;
    int hdu;
  };
  for (const Case& c : {Case{"scaled16.fits", 0}, Case{"multi.fits", 3}, Case{"compressed.fits", 2}}) {
    CAPTURE(c.name);
    const Bytes whole = readBytes(fixture(c.name));
    const TemporaryFolder folder;
    for (size_t length = 0; length < whole.size(); length += length < 3000 ? 61 : 397) {
      CAPTURE(length);
      const Bytes cut(whole.begin(), whole.begin() + static_cast<ptrdiff_t>(length));
      const auto failure = failureOf([&] { readAll(cut, {c.hdu, 0}); });
      if (!failure) continue;  // cut behind the HDU asked for
      const bool expected = failure->code == Code::kFitsTruncated || failure->code == Code::kFitsNoImage ||
                            (length < 9 && failure->code == Code::kFitsUnreadable);
      CHECK_MESSAGE(expected, failure->message);
      writeBytes(folder / "cut.fits", cut);
      const auto fromFile = failureOf([&] { FitsImage::open(folder / "cut.fits", {c.hdu, 0}); });
      REQUIRE(fromFile.has_value());
      CHECK(fromFile->code == failure->code);
    }
  }
}

TEST_CASE("a file without its last padding is read, with a warning") {
  const Bytes whole = readBytes(fixture("bitpix16.fits"));
  const Bytes cut(whole.begin(), whole.begin() + 2880 + 9 * 7 * 2);
  const TemporaryFolder folder;
  writeBytes(folder / "cut.fits", cut);
  std::vector<float> expected(63), out(63);
  FitsImage::openMemory(whole, "whole").readWindow(0, 0, 9, 7, expected.data(), 9);
  FitsImage fromMemory = FitsImage::openMemory(cut, "cut");
  FitsImage fromFile = FitsImage::open(folder / "cut.fits");
  for (FitsImage* image : {&fromMemory, &fromFile}) {
    CHECK(image->info().warnings.size() == 1);
    image->readWindow(0, 0, 9, 7, out.data(), 9);
    CHECK(out == expected);
  }
}

TEST_CASE("hostile compression keywords") {
  const Bytes good = readBytes(fixture("compressed.fits"));
  const auto with = [&](int hdu, const char* keyword, const char* value) {
    return [=] {
      Bytes bytes = good;
      setCard(bytes, keyword, value, headerOffset(bytes, hdu));
      readAll(bytes, {hdu, 0});
    };
  };
  checkFails(Code::kFitsUnreadable, "ZTILE1 = 0", with(1, "ZTILE1", "0"));
  checkFails(Code::kFitsUnreadable, "ZTILE1 = -1", with(1, "ZTILE1", "-1"));
  checkFails(Code::kFitsUnreadable, "compression tiles of", with(1, "ZTILE1", "1000000000000"));
  checkFails(Code::kFitsUnreadable, "ZNAXIS1 = -9223372036854775807",
             with(1, "ZNAXIS1", "-9223372036854775807"));
  checkFails(Code::kFitsUnreadable, "ZNAXIS1 is not positive", with(1, "ZNAXIS1", "0"));
  checkFails(Code::kFitsUnreadable, "compressed tiles, the table has 20", with(1, "ZNAXIS2", "100000000000"));
  checkFails(Code::kFitsUnreadable, "ZNAXIS = 99", with(1, "ZNAXIS", "99"));
  checkFails(Code::kFitsUnreadable, "ZBITPIX = 7", with(1, "ZBITPIX", "7"));
  checkFails(Code::kFitsUnreadable, "ZCMPTYPE = 'LZMA'", with(1, "ZCMPTYPE", "'LZMA'"));
  checkFails(Code::kFitsUnreadable, "ZVAL1 = 0", with(1, "ZVAL1", "0"));
  checkFails(Code::kFitsUnreadable, "ZVAL1 = -2147483648", with(1, "ZVAL1", "-2147483648"));
  checkFails(Code::kFitsUnreadable, "ZDITHER0 = -9999", with(6, "ZDITHER0", "-9999"));
  checkFails(Code::kFitsTruncated, "bytes of data", with(13, "PCOUNT", "100000000000"));
  checkFails(Code::kFitsTruncated, "compressed tile", with(1, "PCOUNT", "0"));
}

TEST_CASE("keywords in disguise do not slip past the checks") {
  const Bytes good = readBytes(fixture("compressed.fits"));
  constexpr const char *kMalformed = "malformed card", *kNoPlace = "has no place in a compressed image",
                       *kTaken = "could be taken for THEAP";
  const std::vector<std::pair<const char*, const char*>> disguises = {{"HIERARCH ZDITHER0 = -5", kMalformed},
                                                                      {"zdither0= -5", kMalformed},
                                                                      {"ZDITHER0 =-5", kMalformed},
                                                                      {"TSCAL1  = 2.0", kNoPlace},
                                                                      {"hierarch TZERO1 = 3", kNoPlace},
                                                                      {"THEAPNT = 1", kTaken},
                                                                      {"theap   = 1", kTaken},
                                                                      {"HIERARCH THEAP = 1", kTaken},
                                                                      {"THEAP   =1", kTaken}};
  for (const auto& [line, words] : disguises) {
    CAPTURE(line);
    Bytes bytes = good;
    const size_t header = headerOffset(bytes, 1);
    for (size_t at = header;; at += 80) {
      if (std::memcmp(bytes.data() + at, "EXTNAME ", 8) != 0) continue;
      const std::string text = card(line);
      std::memcpy(bytes.data() + at, text.data(), 80);
      break;
    }
    const auto failure = failureOf([&] { readAll(bytes, {1, 0}); });
    REQUIRE(failure.has_value());
    CHECK(failure->code == Code::kFitsUnreadable);
    CHECK(failure->message.find(words) != std::string::npos);
  }
}

TEST_CASE("an HCOMPRESS stream that claims more pixels than its tile") {
  Bytes bytes = readBytes(fixture("compressed.fits"));
  const size_t header = headerOffset(bytes, 10);
  int changed = 0;
  for (size_t at = header; at + 10 < bytes.size() && changed < 1; ++at) {
    if (bytes[at] == std::byte{0xdd} && bytes[at + 1] == std::byte{0x99}) {
      bytes[at + 3] = std::byte{0x7f};  // nx = 8 million
      ++changed;
    }
  }
  REQUIRE(changed == 1);
  checkFails(Code::kFitsUnreadable, "is not an HCOMPRESS stream", [&] { readAll(bytes, {10, 0}); });
}

TEST_CASE("mutated files either read or fail in words") {
  struct Case {
    const char* name;
    std::optional<int> hdu;
  };
  const std::vector<Case> cases = {{"scaled16.fits", std::nullopt}, {"multi.fits", 3},
                                   {"compressed.fits", 1},          {"compressed.fits", 5},
                                   {"compressed.fits", 7},          {"compressed.fits", 9},
                                   {"planes.fits", std::nullopt},   {"rice_cube.fits", 1}};
  constexpr unsigned kSeed = 20260101;
  std::mt19937 random(kSeed);
  int failures = 0, successes = 0;
  for (const Case& c : cases) {
    const Bytes good = readBytes(fixture(c.name));
    const size_t header = c.hdu ? headerOffset(good, *c.hdu) : 0;
    for (int round = 0; round < 250; ++round) {
      CAPTURE(c.name);
      CAPTURE(round);
      Bytes bytes = good;
      const int flips = 1 + static_cast<int>(random() % 8);
      for (int i = 0; i < flips; ++i) {
        // Half in the header chosen (where the sizes are), the rest anywhere.
        const size_t at = random() % 2 == 0 ? header + random() % 2880 : random() % bytes.size();
        const auto bit = static_cast<unsigned char>(1U << (random() % 8));
        bytes[std::min(at, bytes.size() - 1)] ^= std::byte{bit};
      }
      (failureOf([&] { readAll(bytes, {c.hdu, 0}); }) ? failures : successes)++;
    }
  }
  MESSAGE("mutations: ", failures, " refused, ", successes, " read (seed ", kSeed, ")");
  CHECK(failures > 100);
  CHECK(successes > 100);
}

TEST_CASE("digits of a header swapped for other digits") {
  std::mt19937 random(7);
  for (const char* name : {"compressed.fits", "planes.fits", "scaled32.fits"}) {
    const Bytes good = readBytes(fixture(name));
    std::vector<size_t> digits;
    for (size_t at = 0; at < std::min<size_t>(good.size(), 14400); ++at) {
      const auto c = static_cast<char>(good[at]);
      if (c >= '0' && c <= '9') digits.push_back(at);
    }
    for (int round = 0; round < 400; ++round) {
      CAPTURE(name);
      CAPTURE(round);
      Bytes bytes = good;
      for (int i = 0; i < 3; ++i)
        bytes[digits[random() % digits.size()]] = static_cast<std::byte>("0123456789-."[random() % 12]);
      failureOf([&] { readAll(bytes); });
    }
  }
}

}  // namespace
}  // namespace otf
