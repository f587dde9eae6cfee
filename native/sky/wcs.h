// Celestial world coordinates of an image plane, through wcslib.
// Source: FITS WCS papers I and II; pixel coordinates here are 0-based, the centre of the first pixel is 0.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "fits/fits.h"

namespace otf {

/// The frame results are given in: the image's own equatorial frame; galactic images are turned into ICRS.
struct SkyFrame {
  std::string system;  // "ICRS", "FK5", "FK4"
  double equinox = 0;  // 0 when it does not apply (ICRS)
  std::string native;  // what the image's axes are: "RA/DEC" or "GLON/GLAT"
};

struct SkyPosition {
  double raDeg = 0, decDeg = 0;
};

/// Local linear map at a pixel: degrees on the sky towards East and North per pixel in x and y.
struct SkyJacobian {
  double eastPerX = 0, eastPerY = 0, northPerX = 0, northPerY = 0;
  double ownNorthDeg = 0;  // position angle of the North of the image's own axes: not 0 on galactic ones
  double pixelScaleDeg() const;  // square root of the pixel's area
};

/// Thread-safe for const calls (each call works on scratch of its own where wcslib needs it).
class Wcs {
 public:
  /// From header cards (FitsInfo::cards). `axes`: the FITS axes (1-based) of width and height.
  /// nullopt: the header has no celestial axes on these two, or they are unusable, as a warning then says. Whatever is
  /// missing or cannot be read is told by a warning (one line, without the file's name), never replaced in silence.
  static std::optional<Wcs> fromCards(const std::string& cards, const int axes[2],
                                      std::vector<std::string>& warnings);

  Wcs(Wcs&&) noexcept;
  Wcs& operator=(Wcs&&) noexcept;
  ~Wcs();

  const SkyFrame& frame() const;
  std::string projection() const;  // "SIN", "TAN", ...

  /// nullopt where the projection has no sky there. RA in [0,360).
  std::optional<SkyPosition> pixelToSky(double x, double y) const;
  std::optional<std::pair<double, double>> skyToPixel(SkyPosition position) const;
  /// Many at once; `ok[i]` = 0 where there is no sky (ra, dec NaN).
  void pixelToSky(std::span<const double> x, std::span<const double> y, std::span<double> ra,
                  std::span<double> dec, std::span<uint8_t> ok) const;

  /// By central differences of half a pixel. nullopt off the sky.
  std::optional<SkyJacobian> jacobian(double x, double y) const;

  /// IAU position angle (East of North, [0,180) degrees) of a direction given as an angle from +x towards +y, degrees.
  std::optional<double> positionAngle(double x, double y, double pixelAngleDeg) const;

 private:
  struct Impl;
  explicit Wcs(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// "7.12": the wcslib in use.
std::string wcslibVersion();

/// A primary-beam image: attenuation (1 at the pointing centre) looked up by sky position, bicubic
/// (Catmull-Rom). One thread at a time.
class PrimaryBeam {
 public:
  /// Throws as FitsImage::open, and kWcsInvalid when the image has no usable celestial WCS.
  static PrimaryBeam open(const std::string& path, const FitsSelect& select = {});
  static PrimaryBeam of(FitsImage image);
  PrimaryBeam(PrimaryBeam&&) noexcept;
  PrimaryBeam& operator=(PrimaryBeam&&) noexcept;
  ~PrimaryBeam();
  /// `frame`: what the position is in; the beam image's own frame may be another. nullopt outside the beam image, on blank
  /// pixels, or where the value is not positive.
  std::optional<double> at(SkyPosition position, const SkyFrame& frame);
  /// What its header and its values gave rise to so far; each line names the file.
  std::vector<std::string> warnings() const;

 private:
  struct Impl;
  explicit PrimaryBeam(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace otf
