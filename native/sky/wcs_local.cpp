// What the sky is like around one pixel.
#include <array>
#include <cmath>
#include <numbers>

#include "sky/frame.h"
#include "sky/wcs.h"

namespace otf {
namespace {

constexpr double kDegree = std::numbers::pi / 180;

}  // namespace

double SkyJacobian::pixelScaleDeg() const {
  return std::sqrt(std::abs(eastPerX * northPerY - eastPerY * northPerX));
}

std::optional<SkyJacobian> Wcs::jacobian(double x, double y) const {
  const std::array<double, 5> px = {x, x + 0.5, x - 0.5, x, x}, py = {y, y, y, y + 0.5, y - 0.5};
  std::array<double, 5> ra{}, dec{};
  std::array<uint8_t, 5> ok{};
  pixelToSky(px, py, ra, dec, ok);
  for (const uint8_t good : ok) {
    if (good == 0) return std::nullopt;
  }
  // Differences of unit vectors along East and North: no trouble at RA 0, nor near a pole as RA differences have.
  const double lon = ra[0] * kDegree, lat = dec[0] * kDegree;
  const sky::Vector3 east = {-std::sin(lon), std::cos(lon), 0};
  const sky::Vector3 north = {-std::sin(lat) * std::cos(lon), -std::sin(lat) * std::sin(lon), std::cos(lat)};
  const auto along = [&](size_t plus, size_t minus, const sky::Vector3& direction) {
    const sky::Vector3 a = sky::unitVector(ra[plus], dec[plus]), b = sky::unitVector(ra[minus], dec[minus]);
    double sum = 0;
    for (size_t i = 0; i < 3; ++i) sum += (a[i] - b[i]) * direction[i];
    return sum / kDegree;
  };
  SkyJacobian local{along(1, 2, east), along(3, 4, east), along(1, 2, north), along(3, 4, north), 0};
  if (frame().native == "GLON/GLAT") {
    const SkyPosition pole = sky::galacticToIcrs(0, 90);
    const sky::Vector3 own = sky::unitVector(pole.raDeg, pole.decDeg);
    const auto part = [&](const sky::Vector3& direction) {
      return own[0] * direction[0] + own[1] * direction[1] + own[2] * direction[2];
    };
    local.ownNorthDeg = std::atan2(part(east), part(north)) / kDegree;
  }
  return local;
}

std::optional<double> Wcs::positionAngle(double x, double y, double pixelAngleDeg) const {
  const std::optional<SkyJacobian> local = jacobian(x, y);
  if (!local || !std::isfinite(pixelAngleDeg)) return std::nullopt;
  const double c = std::cos(pixelAngleDeg * kDegree), s = std::sin(pixelAngleDeg * kDegree);
  const double east = local->eastPerX * c + local->eastPerY * s,
               north = local->northPerX * c + local->northPerY * s;
  if (east == 0 && north == 0) return std::nullopt;
  double angle = std::atan2(east, north) / kDegree;
  if (angle < 0) angle += 180;
  return angle >= 180 ? angle - 180 : angle;
}

}  // namespace otf
