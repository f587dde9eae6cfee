// Compressed images that lie, decoded in this process: an OtfError or pixels, never a crash, never without end. What a
// sanitizer sees here would be hidden in otf-reader.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>

#include "fits/test_support.h"
#include "reader/tests/compressed_files.h"

/// For the sanitizer build: CFITSIO 4.2 forgets its buffers when a compressed tile turns out to be damaged.
extern "C" __attribute__((visibility("default"))) const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() { return "leak:imcomp_decompress_tile\n"; }

namespace otf {
namespace {

using namespace test;

TEST_CASE("every way a tile may be stored is read") {
  for (const Recipe& recipe : everyRecipe()) {
    CAPTURE(recipe.name);
    const std::vector<float> pixels = readHere(compressedFile(recipe));
    const float brightest = *std::max_element(pixels.begin(), pixels.end());
    CHECK(brightest > (recipe.bitpix < 0 ? 1.9F : recipe.bitpix == 8 ? 190.0F : 1900.0F));
  }
}

TEST_CASE("what is stored without loss is read as it was written") {
  for (const Recipe& recipe : everyRecipe()) {
    if (recipe.bitpix < 0 && recipe.quantised) continue;
    CAPTURE(recipe.name);
    CHECK(readHere(compressedFile(recipe)) == pixelsOf(recipe));
    Recipe high = recipe;
    high.tileHeight = 30;
    high.tileWidth = 17;
    CHECK(readHere(compressedFile(high)) == pixelsOf(recipe));
  }
}

TEST_CASE("a tile whose stream is cut, at every length, is refused") {
  for (const Recipe& recipe : everyRecipe()) {
    CAPTURE(recipe.name);
    const Bytes whole = compressedFile(recipe);
    const Descriptor stream = streamOf(whole, 1);
    REQUIRE(stream.elements > 8);
    for (int length = 0; length < stream.elements; ++length) {
      CAPTURE(length);
      Bytes cut = whole;
      setElements(cut, stream, length);
      const auto failure = failureOf([&] { readHere(cut); });
      // A list of runs may end anywhere: the rest is zero.
      if (!failure && recipe.name.starts_with("PLIO")) continue;
      REQUIRE(failure.has_value());
      CHECK(failure->code == Code::kFitsUnreadable);
      CHECK(failure->message.find("tile 1") != std::string::npos);
    }
  }
}

TEST_CASE("what the fuzzer found is refused") {
  for (const auto& entry : std::filesystem::directory_iterator(std::string(OTF_FIXTURES) + "/fuzz-fits")) {
    if (entry.path().extension() != ".fits") continue;
    CAPTURE(entry.path().string());
    const auto failure = failureOf([&] { readHere(readBytes(entry.path().string())); });
    REQUIRE(failure.has_value());
    CHECK(failure->code == Code::kFitsUnreadable);
  }
}

TEST_CASE("damaged bytes in a stream") {
  std::mt19937 random(5);
  for (const Recipe& recipe : everyRecipe()) {
    CAPTURE(recipe.name);
    const Bytes whole = compressedFile(recipe);
    const size_t heap = streamOf(whole, 0).at;
    for (int round = 0; round < 150; ++round) {
      CAPTURE(round);
      Bytes bytes = whole;
      for (int i = 0; i < 3; ++i)
        bytes[heap + random() % (bytes.size() - heap)] ^= static_cast<std::byte>(1U << random() % 8);
      failureOf([&] { readHere(bytes); });
    }
  }
}

TEST_CASE("mutated fixtures, in the header and anywhere") {
  std::mt19937 random(20260101);
  const Bytes good = readBytes(fixture("compressed.fits"));
  int failures = 0, successes = 0;
  for (int hdu = 1; hdu <= 13; ++hdu) {
    for (int round = 0; round < 120; ++round) {
      CAPTURE(hdu);
      CAPTURE(round);
      Bytes bytes = good;
      const int flips = 1 + static_cast<int>(random() % 6);
      for (int i = 0; i < flips; ++i)
        bytes[random() % bytes.size()] ^= static_cast<std::byte>(1U << random() % 8);
      (failureOf([&] { readHere(bytes, hdu); }) ? failures : successes)++;
    }
  }
  CHECK(failures > 50);
  CHECK(successes > 50);
}

}  // namespace
}  // namespace otf
