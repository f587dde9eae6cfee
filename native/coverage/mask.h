// An area laid on an image: which places are in it, and which parts of the image it may touch.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "coverage/area.h"
#include "coverage/shape.h"
#include "fits/fits.h"
#include "sky/wcs.h"

namespace otf::coverage {

/// Whole pixels of an image, 0-based.
struct PixelBox {
  int64_t x = 0, y = 0, width = 0, height = 0;
};

/// The place of a pixel position; `wcs` may be null.
Place placeAt(const Wcs* wcs, double x, double y);

/// A disc around all of the box, seen from its middle; its radius on the sky is infinite where the box leaves the sky, or has so
/// much of it that the corners do not tell.
Disc discAround(const Wcs* wcs, const PixelBox& box);

/// One thread at a time is not needed: calls only read.
class Mask {
 public:
  /// `wcs` may be null and outlives the mask. Throws kMaskInvalid for what has no place on this image.
  Mask(std::shared_ptr<const Area> area, const FitsInfo& info, const Wcs* wcs);

  const Area& area() const { return *area_; }
  /// null: it is no MOC.
  const Moc* moc() const { return std::get_if<Moc>(&area_->is); }

  bool contains(const Place& place) const;
  bool contains(double x, double y) const { return contains(placeAt(wcs_, x, y)); }

  /// Shapes that still count in a part of the image; of a MOC none.
  struct Candidates {
    std::vector<const Shape*> included, excluded;
    bool all = false;  // the part is wholly in
  };
  Candidates everything() const;
  /// Of those of a larger part; nullopt: nothing of the disc is in the area.
  std::optional<Candidates> within(const Disc& disc, const Candidates& larger) const;

  /// Which part of the box is in it, by so many places along each axis.
  double fractionOf(const PixelBox& box, int perAxis) const;

  /// One line each.
  const std::vector<std::string>& warnings() const { return warnings_; }

 private:
  void add(const RegionShape& shape, const FitsInfo& info);

  std::shared_ptr<const Area> area_;
  const Wcs* wcs_;
  std::vector<Shape> included_, excluded_;
  std::vector<std::string> warnings_;
};

}  // namespace otf::coverage
