// Pixels of a tile-compressed image through CFITSIO, by window: memory in proportion to a tile, not to the image.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "fits/cfitsio.h"
#include "fits/pixel_reader.h"
#include "reader/tile_guard.h"

namespace otf::fits {

class CompressedPixels final : public PixelReader {
 public:
  /// The source must outlive the reader. `padded`: the file has the padding behind the HDU's data. Throws
  /// kFitsUnreadable, also when CFITSIO understands another image than the scan.
  CompressedPixels(const ByteSource& source, ScannedHdu hdu, Plane plane, const PixelScale& scale,
                   bool padded, std::string label);
  ~CompressedPixels() override;

  /// Throws kFitsUnreadable, kFitsTruncated naming the tile; kOutOfMemory.
  void read(int64_t x0, int64_t y0, int64_t columns, int64_t rows, float* out, int64_t stride) override;

 private:
  struct Box {
    std::vector<int64_t> first, last;  // pixels on every axis, 0-based
  };
  void open();
  bool readLossless(const Box& box, int64_t columns, int64_t rows, float* out, int64_t stride);
  const std::vector<std::byte>* losslessTile(int64_t tile, int64_t pixels);
  void readBox(Box& box, int64_t columns, int64_t rows, float* out, int64_t stride);
  void convert(const Box& box, int64_t count, float* out);
  void keepWithin(const Box& box);

  const ByteSource& source_;
  const ScannedHdu hdu_;
  const Plane plane_;
  const std::string label_;
  const PixelScale scale_;
  bool lossless_ = false;
  std::map<int64_t, std::vector<std::byte>> tiles_;  // lossless ones that are not used up, by number
  bool viaDouble_ = false;  // float32 could overflow inside CFITSIO, which stops at that
  PaddedView view_;         // when the file lacks its padding
  MemoryFile memory_;       // CFITSIO keeps its address
  int fd_ = -1;             // what CFITSIO opens by its name
  Handle handle_;
  TileGuard guard_;
  std::vector<bool> kept_;  // columns of tiles of which CFITSIO keeps one decompressed
  int64_t keptBytes_ = 0;
  std::vector<double> doubles_;
  std::vector<float> band_;
};

}  // namespace otf::fits
