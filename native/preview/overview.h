// What is known of a whole plane once it has been read: its statistics, and the coarse levels of its picture. Kept in a
// file, so that a tile reads the pixels it shows and no others.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "fits/fits.h"
#include "preview/plane_scan.h"
#include "preview/stretch.h"

namespace otf::preview {

/// Pictures are made of planes with sides up to this.
constexpr int64_t kMostSidePx = int64_t{1} << 19;

/// Which values get the lowest and the highest colour. kPercentile: low and high in percent; kValues: in the pixels' unit.
struct CutsChoice {
  enum class Kind { kZscale, kMinMax, kPercentile, kValues } kind = Kind::kPercentile;
  double low = 0.25, high = 99.75;
};

/// Thread-safe.
class Overview {
 public:
  /// Reads the plane. Throws kImageTooLarge, and as FitsImage::readWindow.
  static Overview make(FitsImage& image);
  /// A file of save(). Throws kInternal when it is none.
  static Overview open(const std::string& path);
  /// Throws kOutputUnwritable; the file appears whole or not at all.
  void save(const std::string& path) const;

  int64_t width() const;
  int64_t height() const;
  const PlaneStatistics& statistics() const;
  /// Finite pixels, ascending (plane_scan.h).
  std::span<const float> sorted() const;
  /// Throws kInvalidArgument for percentages outside 0..100 or cuts in the wrong order. {0, 0} for a blank plane.
  Cuts cuts(const CutsChoice& choice) const;

  /// Of its blocks, a power of two: levels of a step that is a multiple of it are made from here.
  int64_t step() const;
  /// As meansOf of reduce.h; blocks.step is a multiple of step().
  std::vector<float> means(const Blocks& blocks) const;

 private:
  struct Head;
  explicit Overview(std::vector<std::byte> bytes);
  explicit Overview(std::shared_ptr<const void> owner, std::span<const std::byte> bytes);
  const Head& head() const;

  std::shared_ptr<const void> owner_;
  std::span<const std::byte> bytes_;
};

}  // namespace otf::preview
