// One outline on an image: what is inside, and how far its edge is at least.
#pragma once

#include <utility>
#include <vector>

#include "sky/frame.h"

namespace otf::coverage {

/// A place of an image: 0-based pixels, and the direction on the sky in ICRS (three NaN: there is none).
struct Place {
  double x = 0, y = 0;
  sky::Vector3 sky{};
  bool hasSky() const { return sky[0] == sky[0]; }
};

/// All that is no further from a place than so much in pixels, and so much on the sky (radians).
struct Disc {
  Place centre;
  double radiusPx = 0, radius = 0;
};

using Point = std::pair<double, double>;

/// An ellipse or a box around a centre, with a hole of the same kind or without; or a polygon. On the sky or in pixels.
class Shape {
 public:
  enum class Kind { kEllipse, kBox };
  /// Semi-axes; the hole's are 0 where there is none.
  struct Axes {
    double u = 0, v = 0;
  };

  /// `angle` (radians): of the first axis, from +x towards +y.
  static Shape inPixels(Kind kind, Point centre, Axes outer, Axes hole, double angle);
  /// Axes in radians; `angle`: of the first axis, from West towards North in ICRS. Offsets are distances from the centre in their
  /// direction (zenithal equidistant). Axes that reach beyond a quarter of the sky are for circles alone.
  static Shape onSky(Kind kind, const sky::Vector3& centre, Axes outer, Axes hole, double angle);
  /// Corners in pixels, at least three; the inside is even-odd.
  static Shape polygon(std::vector<Point> corners);

  bool isOnSky() const { return onSky_; }
  /// Inside (or on the edge) if not negative; the edge is at least so far away, in radians on the sky, else in pixels. Without a
  /// sky there, nothing is inside what is on the sky.
  double margin(const Place& place) const;
  bool contains(const Place& place) const { return margin(place) >= 0; }
  /// Every point of the disc is inside; no point of it is. Both may be false.
  bool holds(const Disc& disc) const { return margin(disc.centre) >= radiusOf(disc); }
  bool misses(const Disc& disc) const { return margin(disc.centre) < -radiusOf(disc); }

 private:
  double radiusOf(const Disc& disc) const { return onSky_ ? disc.radius : disc.radiusPx; }
  double planarMargin(double u, double v) const;
  double polygonMargin(double x, double y) const;

  Kind kind_ = Kind::kEllipse;
  bool onSky_ = false;
  Axes outer_, hole_;
  double cos_ = 1, sin_ = 0, bound_ = 0;
  Point centre_{};
  sky::Vector3 towards_{}, west_{}, north_{};
  std::vector<Point> corners_;
};

}  // namespace otf::coverage
