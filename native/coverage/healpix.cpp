#include "coverage/healpix.h"

#include <chealpix.h>

#include <cmath>
#include <numbers>

namespace otf::coverage {
namespace {

sky::Vector3 directionOf(double z, double longitude) {
  const double r = std::sqrt((1 - z) * (1 + z));
  return {r * std::cos(longitude), r * std::sin(longitude), z};
}

}  // namespace

int64_t cellAt(int order, const sky::Vector3& direction) {
  int64_t cell = 0;
  vec2pix_nest64(int64_t{1} << order, direction.data(), &cell);
  return cell;
}

sky::Vector3 centreOf(int order, int64_t cell) {
  sky::Vector3 out{};
  pix2vec_nest64(int64_t{1} << order, cell, out.data());
  return out;
}

// The cell that reaches furthest lies where the polar caps begin (z = 2/3), its corner above it.
double cellRadius(int order) {
  const double side = std::ldexp(1.0, order);
  const double inner = 1 - 1 / side;
  return separation(directionOf(2.0 / 3, std::numbers::pi / (4 * side)),
                    directionOf(1 - inner * inner / 3, 0));
}

double cellAreaDeg2(int order) {
  constexpr double kSphereDeg2 = 4 * 180.0 * 180.0 / std::numbers::pi;
  return kSphereDeg2 / static_cast<double>(cellsOf(order));
}

double separation(const sky::Vector3& a, const sky::Vector3& b) {
  const double x = a[1] * b[2] - a[2] * b[1], y = a[2] * b[0] - a[0] * b[2], z = a[0] * b[1] - a[1] * b[0];
  return std::atan2(std::sqrt(x * x + y * y + z * z), a[0] * b[0] + a[1] * b[1] + a[2] * b[2]);
}

}  // namespace otf::coverage
