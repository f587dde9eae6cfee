// Small compressed images made by CFITSIO, and the same bytes read in this process: what the sanitizers shall see.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace otf::test {

using Bytes = std::vector<std::byte>;

struct Recipe {
  std::string name;  // for messages
  int algorithm;     // RICE_1, ...
  int bitpix;
  bool quantised = true;  // floats only
  long width = 40, height = 30, tileWidth = 40, tileHeight = 8;
};

/// One for each way a tile may be stored.
std::vector<Recipe> everyRecipe();
/// What the image shows: row after row.
std::vector<float> pixelsOf(const Recipe& recipe);
Bytes compressedFile(const Recipe& recipe);

/// Where the length of the compressed stream of a tile stands in the file (two 32-bit numbers: elements, offset), and
/// how many elements it has.
struct Descriptor {
  size_t at;
  int elements;
};
/// Of the column that holds the streams.
Descriptor streamOf(const Bytes& file, int tile);
void setElements(Bytes& file, const Descriptor& descriptor, int elements);

/// An image of `across` x `down` tiles, each the first of the file: the table's row again and again, for one stream.
Bytes repeatedTile(const Bytes& file, int64_t across, int64_t down);

/// Opens HDU `hdu` (-1: the first image) with CompressedPixels and reads at most 256x256 pixels of it.
std::vector<float> readHere(const Bytes& file, int hdu = -1);

}  // namespace otf::test
