#include "coverage/footprint.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <optional>
#include <utility>

#include "error/error.h"
#include "sky/grid.h"

namespace otf::coverage {
namespace {

constexpr int kCellsAcross = 2048, kFinestOrder = 24, kAround = 8;
/// Of larger cells a few points on a circle do not tell where they lie in the image.
constexpr double kLargestCell = 3 * std::numbers::pi / 180;

class Searcher {
 public:
  Searcher(const Wcs& wcs, const ValueMap& values, const Mask* mask, const std::atomic<bool>* cancel)
      : wcs_(wcs), values_(values), mask_(mask), cancel_(cancel) {
    surround();
  }

  Moc find() {
    const Mask::Candidates all = mask_ ? mask_->everything() : Mask::Candidates{};
    for (int64_t base = 0; base < cellsOf(0); ++base) visit({0, base}, all);
    Moc found(std::move(ranges_), order_);
    return mask_ && mask_->moc() ? found.intersection(*mask_->moc()) : found;
  }

 private:
  /// A circle around all of the region, and how fine the cells are.
  void surround() {
    const PixelBox& box = values_.region();
    constexpr int kSteps = 32;
    std::vector<sky::Vector3> seen;
    bool isWhole = true;
    double smallest = std::numeric_limits<double>::infinity();
    for (int j = 0; j <= kSteps; ++j) {
      for (int i = 0; i <= kSteps; ++i) {
        const double x = static_cast<double>(box.x) - 0.5 + static_cast<double>(box.width) * i / kSteps;
        const double y = static_cast<double>(box.y) - 0.5 + static_cast<double>(box.height) * j / kSteps;
        const Place place = placeAt(&wcs_, x, y);
        if (!place.hasSky()) {
          isWhole = false;
          continue;
        }
        seen.push_back(place.sky);
        if (const auto scale = wcs_.jacobian(x, y)) smallest = std::min(smallest, scale->pixelScaleDeg());
      }
    }
    if (seen.empty() || !(smallest > 0) || !std::isfinite(smallest))
      throw OtfError(Code::kMaskInvalid, "nothing of the region is on the sky: it has no footprint");
    sky::Vector3 sum{};
    for (const sky::Vector3& each : seen) {
      for (size_t k = 0; k < 3; ++k) sum[k] += each[k];
    }
    centre_ = sum;
    for (const sky::Vector3& each : seen) radius_ = std::max(radius_, separation(centre_, each));
    // A step further: what lies between the points. Where some have no sky, the region may be anywhere.
    radius_ = isWhole && radius_ < 1 ? radius_ * (1 + 2.0 / kSteps) : std::numbers::pi;
    const double across = static_cast<double>(std::max(box.width, box.height)) / kCellsAcross;
    const double wanted = std::max(2.0, across) * smallest;
    while (order_ < kFinestOrder && std::sqrt(cellAreaDeg2(order_)) > wanted) ++order_;
  }

  void visit(Cell cell, const Mask::Candidates& candidates) {
    const sky::Vector3 centre = centreOf(cell.order, cell.number);
    const double reach = cellRadius(cell.order);
    if (separation(centre, centre_) > radius_ + reach) return;
    const auto pixel = pixelOf(centre);
    if (cell.order == order_) {
      if (!pixel || !values_.at(pixel->first, pixel->second)) return;
      if (mask_ && !mask_->moc() && !mask_->contains({pixel->first, pixel->second, centre})) return;
      ranges_.push_back(rangeOf(cell));
      return;
    }
    Mask::Candidates left = candidates;
    if (const auto box = pixel ? boxAround(centre, reach) : std::nullopt) {
      const ValueMap::Part part = values_.partOf(box->x0, box->y0, box->x1, box->y1);
      if (part == ValueMap::Part::kNone) return;
      bool isIn = true;
      if (mask_ && !mask_->moc()) {
        const double away = std::hypot(std::max(box->x1 - pixel->first, pixel->first - box->x0),
                                       std::max(box->y1 - pixel->second, pixel->second - box->y0));
        auto closer = mask_->within({{pixel->first, pixel->second, centre}, away, reach}, candidates);
        if (!closer) return;
        left = *std::move(closer);
        isIn = left.all && left.excluded.empty();
      }
      if (part == ValueMap::Part::kAll && isIn) {
        ranges_.push_back(rangeOf(cell));
        return;
      }
    }
    if (cancel_ && cancel_->load(std::memory_order_relaxed))
      throw OtfError(Code::kCancelled, "the footprint was cancelled");
    for (int64_t child = 0; child < 4; ++child) visit({cell.order + 1, 4 * cell.number + child}, left);
  }

  std::optional<std::pair<double, double>> pixelOf(const sky::Vector3& direction) const {
    return wcs_.skyToPixel(sky::fromIcrs(wcs_, sky::positionOf(direction)));
  }

  struct Edges {
    double x0, y0, x1, y1;
  };

  /// Pixels around a cell, with room for what is between the points of its circle; none where that is not known.
  std::optional<Edges> boxAround(const sky::Vector3& centre, double reach) const {
    if (reach > kLargestCell) return std::nullopt;
    const SkyPosition at = sky::positionOf(centre);
    const sky::Vector3 north = sky::unitVector(at.raDeg, at.decDeg + 90),
                       east = sky::unitVector(at.raDeg + 90, 0);
    Edges box{std::numeric_limits<double>::infinity(), std::numeric_limits<double>::infinity(),
              -std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity()};
    for (int i = 0; i < kAround; ++i) {
      const double angle = 2 * std::numbers::pi * i / kAround;
      sky::Vector3 point{};
      for (size_t k = 0; k < 3; ++k) {
        point[k] = std::cos(reach) * centre[k] +
                   std::sin(reach) * (std::cos(angle) * north[k] + std::sin(angle) * east[k]);
      }
      const auto pixel = pixelOf(point);
      if (!pixel) return std::nullopt;
      box.x0 = std::min(box.x0, pixel->first);
      box.x1 = std::max(box.x1, pixel->first);
      box.y0 = std::min(box.y0, pixel->second);
      box.y1 = std::max(box.y1, pixel->second);
    }
    const double room = 0.1 * std::max(box.x1 - box.x0, box.y1 - box.y0);
    return Edges{box.x0 - room, box.y0 - room, box.x1 + room, box.y1 + room};
  }

  const Wcs& wcs_;
  const ValueMap& values_;
  const Mask* mask_;
  const std::atomic<bool>* cancel_;
  sky::Vector3 centre_{};
  double radius_ = 0;
  int order_ = 0;
  std::vector<CellRange> ranges_;
};

}  // namespace

Moc footprint(const Wcs& wcs, const ValueMap& values, const Mask* mask, const std::atomic<bool>* cancel) {
  return Searcher(wcs, values, mask, cancel).find();
}

}  // namespace otf::coverage
