#include "preview/marks.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace otf::preview {
namespace {

constexpr double kLeastPicturePx = 4, kLeastImagePx = 6, kLeastBoxPx = 2;
constexpr double kHalfWidth = 0.5;

struct Point {
  double x = 0, y = 0;
};

void blend(Colour& under, Colour over, double share) {
  const auto mix = [&](uint8_t from, uint8_t to) {
    return static_cast<uint8_t>(std::lround(from + (to - from) * share));
  };
  under = {mix(under.red, over.red), mix(under.green, over.green), mix(under.blue, over.blue),
           std::max(under.alpha, static_cast<uint8_t>(std::lround(255 * share)))};
}

double distance(Point p, Point from, Point to) {
  const double dx = to.x - from.x, dy = to.y - from.y, length2 = dx * dx + dy * dy;
  const double t =
      length2 > 0 ? std::clamp(((p.x - from.x) * dx + (p.y - from.y) * dy) / length2, 0.0, 1.0) : 0;
  return std::hypot(p.x - from.x - t * dx, p.y - from.y - t * dy);
}

/// Closed. How much a pixel is covered is decided for all lines together: where two meet nothing is drawn twice.
void drawOutline(ColourPicture& target, const std::vector<Point>& points, Colour colour) {
  Point low = points[0], high = points[0];
  for (const Point& p : points) {
    low = {std::min(low.x, p.x), std::min(low.y, p.y)};
    high = {std::max(high.x, p.x), std::max(high.y, p.y)};
  }
  const auto bound = [](double at, int size) { return static_cast<int>(std::clamp(at, -1.0, size + 0.0)); };
  const int x0 = std::max(0, bound(low.x - 2, target.width)),
            y0 = std::max(0, bound(low.y - 2, target.height));
  const int x1 = std::min(target.width - 1, bound(high.x + 2, target.width));
  const int y1 = std::min(target.height - 1, bound(high.y + 2, target.height));
  if (x1 < x0 || y1 < y0) return;
  const int columns = x1 - x0 + 1;
  std::vector<float> cover(static_cast<size_t>(columns) * static_cast<size_t>(y1 - y0 + 1), 0);
  for (size_t i = 0; i < points.size(); ++i) {
    const Point from = points[i], to = points[(i + 1) % points.size()];
    const int left = std::max(x0, bound(std::min(from.x, to.x) - 1, target.width));
    const int right = std::min(x1, bound(std::max(from.x, to.x) + 2, target.width));
    const int top = std::max(y0, bound(std::min(from.y, to.y) - 1, target.height));
    const int bottom = std::min(y1, bound(std::max(from.y, to.y) + 2, target.height));
    for (int y = top; y <= bottom; ++y) {
      for (int x = left; x <= right; ++x) {
        const double off = distance({static_cast<double>(x), static_cast<double>(y)}, from, to);
        float& here =
            cover[static_cast<size_t>(y - y0) * static_cast<size_t>(columns) + static_cast<size_t>(x - x0)];
        here = std::max(here, static_cast<float>(std::clamp(kHalfWidth + 0.5 - off, 0.0, 1.0)));
      }
    }
  }
  for (size_t i = 0; i < cover.size(); ++i) {
    if (cover[i] == 0) continue;
    const size_t y = static_cast<size_t>(y0) + i / static_cast<size_t>(columns);
    const size_t x = static_cast<size_t>(x0) + i % static_cast<size_t>(columns);
    blend(target.pixels[y * static_cast<size_t>(target.width) + x], colour, cover[i]);
  }
}

std::vector<Point> ellipse(Point centre, double a, double b, double angle) {
  const int corners = std::clamp(static_cast<int>(4 * std::max(a, b)), 24, 720);
  std::vector<Point> points;
  for (int i = 0; i < corners; ++i) {
    const double t = 2 * std::numbers::pi * i / corners, u = a * std::cos(t), v = b * std::sin(t);
    points.push_back({centre.x + u * std::cos(angle) - v * std::sin(angle),
                      centre.y + u * std::sin(angle) + v * std::cos(angle)});
  }
  return points;
}

}  // namespace

ColourPicture coloured(const Picture& picture, const Palette& palette) {
  ColourPicture out{picture.width, picture.height, {}};
  out.pixels.reserve(picture.levels.size());
  for (const uint8_t level : picture.levels) out.pixels.push_back(palette[level]);
  return out;
}

void draw(ColourPicture& target, const std::vector<Mark>& marks, int64_t step, int64_t imageHeight) {
  const auto scale = static_cast<double>(step);
  const double leastAxis = std::max(kLeastPicturePx, kLeastImagePx / scale);
  for (const Mark& mark : marks) {
    if (!std::isfinite(mark.x) || !std::isfinite(mark.y) || !std::isfinite(mark.a) ||
        !std::isfinite(mark.b) || !std::isfinite(mark.angleDeg))
      continue;
    // Blocks are counted from the top left corner; the middle of the first pixel of a row is half a pixel from it.
    const Point centre = {(mark.x + 0.5) / scale - 0.5,
                          (static_cast<double>(imageHeight) - 0.5 - mark.y) / scale - 0.5};
    const double least = mark.shape == Mark::Shape::kBox ? kLeastBoxPx : leastAxis;
    const double a = std::max(mark.a / scale, least), b = std::max(mark.b / scale, least);
    if (mark.shape == Mark::Shape::kEllipse) {
      // Rows of the picture run downwards: the angle turns the other way.
      drawOutline(target, ellipse(centre, a, b, -mark.angleDeg * std::numbers::pi / 180), kEllipseColour);
    } else {
      drawOutline(target,
                  {{centre.x - a, centre.y - b},
                   {centre.x + a, centre.y - b},
                   {centre.x + a, centre.y + b},
                   {centre.x - a, centre.y + b}},
                  kBoxColour);
    }
  }
}

}  // namespace otf::preview
