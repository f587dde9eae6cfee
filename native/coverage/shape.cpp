#include "coverage/shape.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "coverage/healpix.h"

namespace otf::coverage {
namespace {

/// At least so far from the outline of one ellipse or box; negative outside.
double outlineMargin(Shape::Kind kind, const Shape::Axes& axes, double u, double v) {
  if (kind == Shape::Kind::kBox) return std::min(axes.u - std::abs(u), axes.v - std::abs(v));
  if (axes.u == axes.v) return axes.u - std::hypot(u, v);
  // The distance in units of the ellipse changes by no more than that in the plane over the shorter axis.
  return (1 - std::hypot(u / axes.u, v / axes.v)) * std::min(axes.u, axes.v);
}

double distanceToEdge(Point a, Point b, double x, double y) {
  const double dx = b.first - a.first, dy = b.second - a.second, length = dx * dx + dy * dy;
  const double along = length > 0 ? ((x - a.first) * dx + (y - a.second) * dy) / length : 0;
  const double t = std::clamp(along, 0.0, 1.0);
  return std::hypot(x - a.first - t * dx, y - a.second - t * dy);
}

double dot(const sky::Vector3& a, const sky::Vector3& b) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; }

}  // namespace

Shape Shape::inPixels(Kind kind, Point centre, Axes outer, Axes hole, double angle) {
  Shape shape;
  shape.kind_ = kind;
  shape.centre_ = centre;
  shape.outer_ = outer;
  shape.hole_ = hole;
  shape.cos_ = std::cos(angle);
  shape.sin_ = std::sin(angle);
  return shape;
}

Shape Shape::onSky(Kind kind, const sky::Vector3& centre, Axes outer, Axes hole, double angle) {
  Shape shape = inPixels(kind, {}, outer, hole, angle);
  shape.onSky_ = true;
  shape.towards_ = centre;
  shape.bound_ = kind == Kind::kBox ? std::hypot(outer.u, outer.v) : std::max(outer.u, outer.v);
  const SkyPosition at = sky::positionOf(centre);
  shape.north_ = sky::unitVector(at.raDeg, at.decDeg + 90);
  const sky::Vector3 east = sky::unitVector(at.raDeg + 90, 0);
  shape.west_ = {-east[0], -east[1], -east[2]};
  return shape;
}

Shape Shape::polygon(std::vector<Point> corners) {
  Shape shape;
  shape.corners_ = std::move(corners);
  return shape;
}

double Shape::planarMargin(double u, double v) const {
  const double inside = outlineMargin(kind_, outer_, u, v);
  if (!(hole_.u > 0 && hole_.v > 0)) return inside;
  return std::min(inside, -outlineMargin(kind_, hole_, u, v));
}

double Shape::polygonMargin(double x, double y) const {
  bool inside = false;
  double nearest = std::numeric_limits<double>::infinity();
  for (size_t i = 0, j = corners_.size() - 1; i < corners_.size(); j = i++) {
    const auto [ax, ay] = corners_[i];
    const auto [bx, by] = corners_[j];
    if ((ay > y) != (by > y) && x < (bx - ax) * (y - ay) / (by - ay) + ax) inside = !inside;
    nearest = std::min(nearest, distanceToEdge(corners_[i], corners_[j], x, y));
  }
  return inside ? nearest : -nearest;
}

double Shape::margin(const Place& place) const {
  if (!corners_.empty()) return polygonMargin(place.x, place.y);
  if (!onSky_) {
    const double x = place.x - centre_.first, y = place.y - centre_.second;
    return planarMargin(x * cos_ + y * sin_, y * cos_ - x * sin_);
  }
  if (!place.hasSky()) return -std::numeric_limits<double>::infinity();
  const double distance = separation(towards_, place.sky);
  const bool isRound = kind_ == Kind::kEllipse && outer_.u == outer_.v && hole_.u == hole_.v;
  if (isRound) return planarMargin(distance, 0);
  if (distance > bound_) return bound_ - distance;
  const double w = dot(place.sky, west_), n = dot(place.sky, north_), length = std::hypot(w, n);
  const double scale = length > 0 ? distance / length : 0;
  const double x = w * scale, y = n * scale;
  // The projection stretches what lies across the direction to the centre: on the sky it is nearer by no more than this.
  const double stretched = bound_ > 0 ? std::sin(bound_) / bound_ : 1;
  return planarMargin(x * cos_ + y * sin_, y * cos_ - x * sin_) * stretched;
}

}  // namespace otf::coverage
