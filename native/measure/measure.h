// Detections measured on the pixels of their image (docs/measurement.md).
#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <vector>

#include "measure/errors.h"
#include "measure/fit.h"
#include "measure/noise_map.h"
#include "measure/pixels.h"
#include "measure/shape.h"

namespace otf::measure {

/// A detection: where a network saw it, and the beam there. Pixels, 0-based. Of two of one peak the first stays.
struct Detection {
  double x = 0, y = 0, width = 0, height = 0;
  Covariance beam;
};

enum class Effort { kFast, kFull };  // shapes fixed to the beam; or free where it is resolved

enum Flag : int32_t {
  kBlended = 1,           // fitted together with others
  kEdge = 2,              // the edge of the image cuts its pixels
  kBlankNear = 4,         // blank pixels among them
  kFitFailed = 8,         // moments instead
  kBrightNeighbour = 16,  // a brighter source overlaps that was not fitted with it
  kBeyondTraining = 32,   // outside what the network was trained for (set by the caller)
  kBeamShaped = 64,       // not resolved: fitted with the shape of the beam
  kMerged = 128,          // more than one detection had this peak, or this place
};

struct Measurement {
  Gaussian fit;           // above the background
  GaussianErrors errors;  // one sigma
  double background = 0, rms = 0;
  double fluxRatio = 0;  // integrated flux over peak: the area of the fit in beams
  bool resolved = false;
  int32_t flags = 0;
  /// Of the detection with the same peak, or of the same source, that stays; -1 = this one stays.
  int32_t duplicateOf = -1;
  double snr() const { return fit.peak / rms; }
};

struct MeasureOptions {
  Effort effort = Effort::kFull;
  int threads = 1;
  double minSnr = 0;  // sources below it are not wanted: of their errors nothing is told
  const std::atomic<bool>* cancel = nullptr;
};

/// One measurement per detection, in their order; the number of threads does not change them. Memory: a few bands of rows.
/// Throws kCancelled, and what reading throws.
std::vector<Measurement> measureDetections(const ImagePixels& image, const NoiseMap& noise,
                                           std::span<const Detection> detections,
                                           const MeasureOptions& options);

/// Fluxes of the beam's shape at given places, neighbours together: nothing is moved. As measureDetections.
std::vector<Measurement> measureAt(const ImagePixels& image, const NoiseMap& noise,
                                   std::span<const Detection> places, const MeasureOptions& options);

}  // namespace otf::measure
