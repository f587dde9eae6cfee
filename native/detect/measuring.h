// Detections measured on the pixels they were found in (docs/measurement.md).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "detect/detector.h"
#include "detect/header_review.h"
#include "measure/measure.h"
#include "measure/noise_map.h"
#include "measure/sky_values.h"

namespace otf {

struct MeasureRequest {
  measure::Effort effort = measure::Effort::kFull;
  double minSnr = 0;  // sources below it go; 0 = all stay
};

struct MeasuredSource {
  measure::Measurement pixels;  // places as pixels of the image, values in the network's unit
  measure::SkyValues sky;
};

/// FWHM in pixels of a circle of the beam's area, at the middle of the region. Throws kBeamUnknown when the header has no beam,
/// or no sky to lay it on.
double beamPixels(const HeaderReview& header, const Region& region);

struct MeasureSummary {
  int64_t merged = 0, belowSnr = 0;  // detections that went
  double typicalRms = 0;             // median over the cells
  int64_t cellPx = 0;
};

/// One image's. One thread at a time.
class SourceMeasurer {
 public:
  /// Throws as beamPixels.
  SourceMeasurer(const MeasureRequest& request, const HeaderReview& header, const Region& region,
                 const DetectorConfig& config);

  /// The next rows of the region as they were read, in the network's unit: for the noise.
  void add(const float* pixels, int64_t rows) { mapper_.add(pixels, rows); }
  int64_t memoryBytes() const { return measure::NoiseMapper::memoryBytes(layout_); }

  /// When every row was added: measures all, and takes from `sources` what is one with another or below the SNR wanted. Gives
  /// one entry for each that is left. Throws kCancelled, and what reading throws.
  std::vector<MeasuredSource> measure(const measure::ImagePixels& image, std::vector<Source>& sources,
                                      int threads, const std::atomic<bool>* cancel);
  const MeasureSummary& summary() const { return summary_; }
  /// After measure.
  const measure::NoiseMap& noise() const { return noise_; }

 private:
  bool beyondTraining(const Source& source) const;

  const MeasureRequest request_;
  const HeaderReview& header_;
  const DetectorConfig& config_;
  measure::CellLayout layout_;
  measure::NoiseMapper mapper_;
  MeasureSummary summary_;
  measure::NoiseMap noise_;
};

}  // namespace otf
