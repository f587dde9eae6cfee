// Which tiles of the region are searched, and which sources are rows of the catalogue: those of a mask, where there is one.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "coverage/mask.h"
#include "detect/detector.h"
#include "detect/header_review.h"
#include "detect/measuring.h"
#include "detect/tiling.h"

namespace otf {

/// A mask takes away rows and work, and changes no number: tiles that it does not come near are left out, sources whose centre is
/// outside go at the end, when they have been weighed against their neighbours.
class SearchedArea {
 public:
  /// Both outlive it.
  SearchedArea(const TileLayout& layout, const HeaderReview& header);

  /// Throws kMaskInvalid for what has no place on the image.
  void setMask(std::shared_ptr<const coverage::Area> area);
  /// null = none.
  const coverage::Mask* mask() const { return mask_ ? &*mask_ : nullptr; }

  /// Numbers of the tiles, ascending.
  const std::vector<int32_t>& tiles() const { return tiles_; }
  /// The smallest box that holds them, of the region. There is at least one.
  Region bounds() const;
  /// Which part of a box of the image is searched.
  double fractionOf(const Region& box) const;
  bool contains(double x, double y) const { return !mask_ || mask_->contains(x, y); }

  /// Takes out what is outside, of both lists (`measured` may be empty), and tells how many went. Throws kCancelled.
  int64_t keepInside(std::vector<Source>& sources, std::vector<MeasuredSource>& measured,
                     const std::atomic<bool>* cancel) const;

 private:
  struct Block {
    int64_t column0, row0, column1, row1;  // the last are none of it
  };
  void choose(const Block& block, const coverage::Mask::Candidates& candidates);
  coverage::PixelBox around(const Block& block) const;

  const TileLayout& layout_;
  const HeaderReview& header_;
  std::optional<coverage::Mask> mask_;
  std::vector<int32_t> tiles_;
};

}  // namespace otf
