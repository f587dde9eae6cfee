// A convolution that can be done a few rows at a time.
#pragma once

#include <cstdint>

namespace otf::strips {

struct Geometry {
  int channels = 1, filters = 1;
  int kernelW = 1, kernelH = 1, strideW = 1, strideH = 1, padW = 0, padH = 0;
  /// Of its source each value once, and nothing around it.
  bool readsOnce() const { return padW == 0 && padH == 0 && strideW == kernelW && strideH == kernelH; }
};

enum class Values : uint8_t { kFloat, kBf16, kUnsigned8 };
inline int64_t bytesOf(Values values) {
  return values == Values::kFloat ? 4 : (values == Values::kBf16 ? 2 : 1);
}

/// A map of one item, channels last.
struct Map {
  const char* data = nullptr;
  int width = 0, height = 0;
  Values values = Values::kBf16;
};

struct Target {
  char* first = nullptr;
  int64_t pixel = 0, row = 0;  // bytes
  Values values = Values::kBf16;
};

class Layer {
 public:
  virtual ~Layer() = default;
  virtual const Geometry& geometry() const = 0;
  /// Bytes of scratch for `rows` output rows of `width` pixels.
  virtual int64_t scratchBytes(int sourceWidth, int rows, int width) const = 0;
  /// Output rows `from` to `from + rows`, to where the first of them goes. `scratch`: 64-byte aligned; null
  /// where the layer follows another, whose rows it reads as they are. What a pixel becomes
  /// does not depend on which rows are done together.
  virtual void run(const Map& source, int from, int rows, int width, char* scratch,
                   const Target& target) const = 0;
};

}  // namespace otf::strips
