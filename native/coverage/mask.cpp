#include "coverage/mask.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <utility>

#include "error/error.h"
#include "fits/header_values.h"
#include "sky/grid.h"

namespace otf::coverage {
namespace {

constexpr double kDegree = std::numbers::pi / 180, kNone = std::numeric_limits<double>::quiet_NaN();
/// Corners of a part of the image that is wider than this do not tell how far it reaches.
constexpr double kWidestDisc = 20 * kDegree;

SkyPosition icrsOf(RegionFrame frame, double longitude, double latitude) {
  const SkyFrame icrs{"ICRS", 0, ""};
  if (frame == RegionFrame::kGalactic) return sky::galacticToIcrs(longitude, latitude);
  if (frame == RegionFrame::kFk5) return sky::toFrame({longitude, latitude}, {"FK5", 2000, ""}, icrs);
  if (frame == RegionFrame::kFk4) return sky::toFrame({longitude, latitude}, {"FK4", 1950, ""}, icrs);
  return {longitude, latitude};
}

sky::Vector3 vectorOf(RegionFrame frame, double longitude, double latitude) {
  const SkyPosition at = icrsOf(frame, longitude, latitude);
  return sky::unitVector(at.raDeg, at.decDeg);
}

/// Of the frame's North at a place, from that of ICRS towards West; radians.
double turnOf(RegionFrame frame, double longitude, double latitude) {
  if (frame == RegionFrame::kIcrs) return 0;
  constexpr double kStep = 0.01;
  const bool isAtTop = latitude > 89;
  const SkyPosition here = icrsOf(frame, longitude, latitude);
  sky::Vector3 there = vectorOf(frame, longitude, latitude + (isAtTop ? -kStep : kStep));
  const sky::Vector3 north = sky::unitVector(here.raDeg, here.decDeg + 90),
                     east = sky::unitVector(here.raDeg + 90, 0);
  const auto along = [&](const sky::Vector3& axis) {
    const double value = axis[0] * there[0] + axis[1] * there[1] + axis[2] * there[2];
    return isAtTop ? -value : value;
  };
  return std::atan2(-along(east), along(north));
}

/// DS9's physical coordinates are the image's unless the header says otherwise.
bool hasPhysical(const FitsInfo& info) {
  const auto is = [&](const char* name, double usual) {
    const auto value = fits::numberOf(fits::findValue(info.cards, name));
    return value && *value != usual;
  };
  return is("LTV1", 0) || is("LTV2", 0) || is("LTM1_1", 1) || is("LTM2_2", 1) || is("LTM1_2", 0) ||
         is("LTM2_1", 0);
}

}  // namespace

Place placeAt(const Wcs* wcs, double x, double y) {
  Place place{x, y, {kNone, kNone, kNone}};
  const auto position = wcs ? wcs->pixelToSky(x, y) : std::nullopt;
  if (!position) return place;
  const SkyPosition icrs = sky::toIcrs(*wcs, *position);
  place.sky = sky::unitVector(icrs.raDeg, icrs.decDeg);
  return place;
}

Disc discAround(const Wcs* wcs, const PixelBox& box) {
  const double x0 = static_cast<double>(box.x) - 0.5, y0 = static_cast<double>(box.y) - 0.5;
  const double width = static_cast<double>(box.width), height = static_cast<double>(box.height);
  Disc disc{placeAt(wcs, x0 + width / 2, y0 + height / 2), std::hypot(width, height) / 2, 0};
  constexpr std::array<Point, 8> kAround{
      {{0, 0}, {0.5, 0}, {1, 0}, {0, 0.5}, {1, 0.5}, {0, 1}, {0.5, 1}, {1, 1}}};
  for (const auto& [u, v] : kAround) {
    const double away = separation(disc.centre.sky, placeAt(wcs, x0 + u * width, y0 + v * height).sky);
    if (!(away <= kWidestDisc)) {
      disc.radius = std::numeric_limits<double>::infinity();
      return disc;
    }
    disc.radius = std::max(disc.radius, away);
  }
  disc.radius *= 1.1;  // edges are curved
  return disc;
}

Mask::Mask(std::shared_ptr<const Area> area, const FitsInfo& info, const Wcs* wcs)
    : area_(std::move(area)), wcs_(wcs) {
  const auto* regions = std::get_if<RegionFile>(&area_->is);
  if (!regions) {
    if (!wcs_)
      throw OtfError(Code::kMaskInvalid, "the MOC " + area_->label + " has no place on " + info.label +
                                             ", which has no celestial WCS");
    return;
  }
  for (const RegionShape& shape : regions->shapes) add(shape, info);
  if (regions->withoutArea > 0) {
    warnings_.push_back(std::to_string(regions->withoutArea) + " of the regions of " + area_->label +
                        " have no area (points, lines, texts) and were passed over");
  }
}

void Mask::add(const RegionShape& shape, const FitsInfo& info) {
  const auto fail = [&](const std::string& what) {
    throw OtfError(Code::kMaskInvalid, area_->label + ", line " + std::to_string(shape.line) + ": " + what);
  };
  const bool isOnSky = shape.frame != RegionFrame::kImage && shape.frame != RegionFrame::kPhysical;
  if (isOnSky && !wcs_) fail("it has no place on " + info.label + ", which has no celestial WCS");
  if (shape.frame == RegionFrame::kPhysical && hasPhysical(info))
    fail("physical coordinates are not known here: save the regions in image coordinates, or on the sky");
  std::vector<Shape>& list = shape.isExcluded ? excluded_ : included_;
  if (shape.kind == RegionShape::Kind::kPolygon) {
    std::vector<Point> corners;
    for (const auto& [x, y] : shape.points) {
      if (!isOnSky) {
        corners.emplace_back(x - 1, y - 1);
        continue;
      }
      const auto pixel = wcs_->skyToPixel(sky::fromIcrs(*wcs_, icrsOf(shape.frame, x, y)));
      if (!pixel) fail("a corner of the polygon is off the projection of " + info.label);
      corners.push_back(*pixel);
    }
    list.push_back(Shape::polygon(std::move(corners)));
    return;
  }
  const bool isBox = shape.kind == RegionShape::Kind::kBox;
  const double unit = (isBox ? 0.5 : 1) * (isOnSky ? kDegree : 1);  // sides of a box are whole
  const auto axes = [&](const std::pair<double, double>& size) {
    return Shape::Axes{size.first * unit, size.second * unit};
  };
  const Shape::Axes outer = axes(shape.sizes.back());
  const Shape::Axes hole = shape.sizes.size() > 1 ? axes(shape.sizes.front()) : Shape::Axes{};
  const Shape::Kind kind = isBox ? Shape::Kind::kBox : Shape::Kind::kEllipse;
  const auto [x, y] = shape.points.front();
  const double angle = shape.angleDeg * kDegree;
  if (!isOnSky) {
    list.push_back(Shape::inPixels(kind, {x - 1, y - 1}, outer, hole, angle));
    return;
  }
  if (shape.kind != RegionShape::Kind::kCircle && std::hypot(outer.u, outer.v) > std::numbers::pi / 2)
    fail("it reaches beyond a quarter of the sky");
  list.push_back(
      Shape::onSky(kind, vectorOf(shape.frame, x, y), outer, hole, angle - turnOf(shape.frame, x, y)));
}

bool Mask::contains(const Place& place) const {
  if (const Moc* area = moc()) return place.hasSky() && area->contains(place.sky);
  const auto holds = [&](const Shape& shape) { return shape.contains(place); };
  // Exclusions alone take away from all of the image, as DS9 has it.
  return (included_.empty() || std::ranges::any_of(included_, holds)) &&
         std::ranges::none_of(excluded_, holds);
}

Mask::Candidates Mask::everything() const {
  Candidates all;
  for (const Shape& shape : included_) all.included.push_back(&shape);
  for (const Shape& shape : excluded_) all.excluded.push_back(&shape);
  return all;
}

std::optional<Mask::Candidates> Mask::within(const Disc& disc, const Candidates& larger) const {
  if (const Moc* area = moc()) {
    if (std::isfinite(disc.radius) && !area->mayTouch(disc.centre.sky, disc.radius)) return std::nullopt;
    return larger;
  }
  // A shape on the sky says nothing of a disc that leaves it.
  const auto known = [&](const Shape* shape) { return !shape->isOnSky() || std::isfinite(disc.radius); };
  Candidates left;
  for (const Shape* shape : larger.excluded) {
    if (known(shape) && shape->holds(disc)) return std::nullopt;
    if (!known(shape) || !shape->misses(disc)) left.excluded.push_back(shape);
  }
  left.all = larger.all || included_.empty();
  if (left.all) return left;
  for (const Shape* shape : larger.included) {
    if (known(shape) && shape->misses(disc)) continue;
    left.included.push_back(shape);
    left.all = left.all || (known(shape) && shape->holds(disc));
  }
  if (left.all) left.included.clear();
  if (!left.all && left.included.empty()) return std::nullopt;
  return left;
}

double Mask::fractionOf(const PixelBox& box, int perAxis) const {
  int64_t inside = 0;
  for (int row = 0; row < perAxis; ++row) {
    for (int column = 0; column < perAxis; ++column) {
      const double x =
          static_cast<double>(box.x) - 0.5 + (column + 0.5) / perAxis * static_cast<double>(box.width);
      const double y =
          static_cast<double>(box.y) - 0.5 + (row + 0.5) / perAxis * static_cast<double>(box.height);
      inside += contains(x, y) ? 1 : 0;
    }
  }
  return static_cast<double>(inside) / (static_cast<double>(perAxis) * perAxis);
}

}  // namespace otf::coverage
