// Detections measured on the pixels they were found in (docs/measurement.md).
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "detect/detector.h"
#include "detect/header_review.h"
#include "measure/measure.h"
#include "measure/noise_map.h"
#include "measure/sky_values.h"

namespace otf {

/// An image of a file.
struct MapFile {
  std::string path;
  FitsSelect select;
};

struct MeasureRequest {
  measure::Effort effort = measure::Effort::kFull;
  double minSnr = 0;  // sources below it go; 0 = all stay
  /// In place of the maps that the measurement makes.
  std::optional<MapFile> background, rms;
};

struct MeasuredSource {
  measure::Measurement pixels;  // places as pixels of the image, values in the network's unit
  measure::SkyValues sky;
};

/// FWHM in pixels of a circle of the beam's area, at the middle of the region. Throws kBeamUnknown when the header has no beam,
/// or no sky to lay it on.
double beamPixels(const HeaderReview& header, const Region& region);

/// Of what is measured: the network's, or the pixels' own where the card says none; "" = not known.
const std::string& measuredUnit(const HeaderReview& header, const DetectorConfig& config);

struct MeasureSummary {
  int64_t merged = 0, belowSnr = 0;  // detections that went
  double typicalRms = 0;             // median over the cells
  int64_t cellPx = 0;
};

/// One image's. One thread at a time.
class SourceMeasurer {
 public:
  /// `cancel` outlives it. Throws as beamPixels and openGivenMap.
  SourceMeasurer(const MeasureRequest& request, const HeaderReview& header, const Region& region,
                 const DetectorConfig& config, const std::atomic<bool>* cancel);

  /// The next rows of the region as they were read, in the network's unit: for the noise.
  void add(const float* pixels, int64_t rows);
  int64_t memoryBytes() const { return measure::NoiseMapper::memoryBytes(layout_); }

  /// When every row was added: measures all, and takes from `sources` what is one with another or below the SNR wanted. Gives
  /// one entry for each that is left. Throws kCancelled, and what reading throws.
  std::vector<MeasuredSource> measure(const measure::ImagePixels& image, std::vector<Source>& sources,
                                      int threads);
  const MeasureSummary& summary() const { return summary_; }
  /// When every row was added.
  const measure::NoiseMap& noise();
  /// Another run's, in place of its own.
  void use(measure::NoiseMap noise);
  /// What the maps that were given gave rise to; each names its file.
  const std::vector<std::string>& warnings() const { return warnings_; }

 private:
  bool beyondTraining(const Source& source) const;

  const MeasureRequest request_;
  const HeaderReview& header_;
  const DetectorConfig& config_;
  const std::atomic<bool>* cancel_;
  measure::CellLayout layout_;
  std::vector<std::string> warnings_;
  measure::GivenMaps given_;
  std::optional<measure::NoiseMapper> mapper_;  // none when another run's noise is used
  MeasureSummary summary_;
  std::optional<measure::NoiseMap> noise_;  // when it is known
};

}  // namespace otf
