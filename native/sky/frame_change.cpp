// Between equatorial frames, through FK5 J2000.
// Sources: Lieske et al. 1977, A&A 58, 1 (precession of FK5); Newcomb's precession as in the Explanatory Supplement 1961,
// section 2B (of FK4); Murray 1989, A&A 218, 325, equation 28 (FK4 B1950 to FK5 J2000); USNO Circular 179, section 3.5
// (ICRS to FK5); Standish 1982, A&A 115, 20 (E-terms of aberration). Within a tenth of an arcsecond of astropy.
#include <array>
#include <cmath>
#include <numbers>

#include "sky/frame.h"

namespace otf::sky {
namespace {

using Matrix = std::array<Vector3, 3>;

constexpr double kDegree = std::numbers::pi / 180, kArcsec = kDegree / 3600;
constexpr Vector3 kEterms = {-1.62557e-6, -0.31919e-6, -0.13843e-6};
constexpr Matrix kFk4ToFk5 = {{{0.9999256794956877, -0.0111814832204662, -0.0048590038153592},
                               {0.0111814832391717, 0.9999374848933135, -0.0000271625947142},
                               {0.0048590037723143, -0.0000271702937440, 0.9999881946023742}}};

Vector3 times(const Matrix& m, const Vector3& v) {
  Vector3 out{};
  for (size_t i = 0; i < 3; ++i) {
    for (size_t j = 0; j < 3; ++j) out[i] += m[i][j] * v[j];
  }
  return out;
}

Matrix transposed(const Matrix& m) {
  Matrix out{};
  for (size_t i = 0; i < 3; ++i) {
    for (size_t j = 0; j < 3; ++j) out[i][j] = m[j][i];
  }
  return out;
}

/// Rz(-z) Ry(theta) Rz(-zeta), from the three precession angles in arcseconds.
Matrix precession(double zeta, double z, double theta) {
  const double a = zeta * kArcsec, b = z * kArcsec, t = theta * kArcsec;
  const double ca = std::cos(a), sa = std::sin(a), cb = std::cos(b), sb = std::sin(b), ct = std::cos(t),
               st = std::sin(t);
  return {{{cb * ct * ca - sb * sa, -cb * ct * sa - sb * ca, -cb * st},
           {sb * ct * ca + cb * sa, -sb * ct * sa + cb * ca, -sb * st},
           {st * ca, -st * sa, ct}}};
}

Matrix precessionFk5(double from, double to) {
  const double T = (from - 2000) / 100, t = (to - from) / 100;
  const double w = 2306.2181 + (1.39656 - 0.000139 * T) * T;
  return precession(
      (w + (0.30188 - 0.000344 * T + 0.017998 * t) * t) * t,
      (w + (1.09468 + 0.000066 * T + 0.018203 * t) * t) * t,
      (2004.3109 + (-0.85330 - 0.000217 * T) * T + (-0.42665 - 0.000217 * T - 0.041833 * t) * t) * t);
}

Matrix precessionFk4(double from, double to) {
  const double T = (from - 1850) / 1000, t = (to - from) / 1000;
  const double w = 23035.545 + (139.720 + 0.060 * T) * T;
  return precession((w + (30.240 - 0.27 * T + 17.995 * t) * t) * t,
                    (w + (109.480 + 0.39 * T + 18.325 * t) * t) * t,
                    (20051.12 + (-85.29 - 0.37 * T) * T + (-42.65 - 0.37 * T - 41.8 * t) * t) * t);
}

/// Small rotations: the order does not matter at this precision.
Vector3 icrsToFk5(const Vector3& v, double sign) {
  constexpr double kEta = -0.0199 * kArcsec, kXi = 0.0091 * kArcsec, kAlpha = -0.0229 * kArcsec;
  return {v[0] + sign * (kAlpha * v[1] - kXi * v[2]), v[1] + sign * (-kAlpha * v[0] - kEta * v[2]),
          v[2] + sign * (kXi * v[0] + kEta * v[1])};
}

double dot(const Vector3& a, const Vector3& b) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; }

Vector3 withoutEterms(const Vector3& v) {
  Vector3 out{};
  for (size_t i = 0; i < 3; ++i) out[i] = v[i] - kEterms[i] + dot(v, kEterms) * v[i];
  return out;
}

Vector3 withEterms(const Vector3& v) {
  Vector3 out{};
  for (size_t i = 0; i < 3; ++i) out[i] = v[i] + kEterms[i] - dot(v, kEterms) * v[i];
  return out;
}

Vector3 toFk5J2000(Vector3 v, const SkyFrame& from) {
  if (from.system == "ICRS") return icrsToFk5(v, 1);
  if (from.system == "FK5") return times(precessionFk5(from.equinox, 2000), v);
  return times(kFk4ToFk5, withoutEterms(times(precessionFk4(from.equinox, 1950), v)));
}

Vector3 fromFk5J2000(const Vector3& v, const SkyFrame& to) {
  if (to.system == "ICRS") return icrsToFk5(v, -1);
  if (to.system == "FK5") return times(precessionFk5(2000, to.equinox), v);
  return times(precessionFk4(1950, to.equinox), withEterms(times(transposed(kFk4ToFk5), v)));
}

}  // namespace

SkyPosition toFrame(SkyPosition position, const SkyFrame& from, const SkyFrame& to) {
  if (from.system == to.system && from.equinox == to.equinox) return position;
  return positionOf(fromFk5J2000(toFk5J2000(unitVector(position.raDeg, position.decDeg), from), to));
}

}  // namespace otf::sky
