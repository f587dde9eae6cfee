// Point sources put into a copy of an image, to see which of them are found.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "detect/detector.h"
#include "detect/header_review.h"
#include "measure/noise_map.h"
#include "measure/shape.h"

namespace otf::quality {

/// Peaks of mock sources over the noise: equal numbers per logarithm.
constexpr double kFaintestSnr = 2, kBrightestSnr = 50;

/// What mock sources are like, in place of point sources of any SNR.
struct MockKind {
  double flux = 0;              // of a point source's peak, in the network's unit
  double major = 0, minor = 0;  // FWHM without the beam, arcsec
};

struct Mock {
  double x = 0, y = 0, snr = 0;  // place: pixels of the image
  double peak = 0;               // 0 until the noise is known, and where it is not
  measure::Covariance shape;     // with the beam
  bool isBlank = false;          // the image has no pixel there
};

/// One in the middle of each cell of a grid, moved at random by no more than keeps them apart, so that none hides another.
/// Places without a sky have none. `beamPx`: of the beam's FWHM. Each is one of `kinds`, any as likely, at a random angle; of no
/// kinds: a point source.
std::vector<Mock> placeMocks(const HeaderReview& header, const Region& area, double beamPx, uint64_t seed,
                             std::span<const MockKind> kinds = {});

/// Peaks from the noise where they are, or the other way round.
void setPeaks(const measure::NoiseMap& noise, std::vector<Mock>& mocks);

/// Adds the mocks to a window of pixels, and notes which have no pixel of the image below them.
void addMocks(std::vector<Mock>& mocks, int64_t x0, int64_t y0, int64_t columns, int64_t rows, float* pixels,
              int64_t stride);

}  // namespace otf::quality
