// A source as results tell it: from its light curve to numbers and a word.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "reconstruct/light_curves.h"
#include "reconstruct/variability.h"

namespace otf {

enum class SourceLabel { kSteady, kVariable, kTransient };
std::string_view labelName(SourceLabel label);

struct ReconstructedSource {
  MeasuredSource measured;
  int band = 0;                  // whose numbers these are, 0-based
  double raDeg = 0, decDeg = 0;  // NaN: the cube has no celestial WCS
  double positionErrorPx = 0;    // 1 sigma along each axis: beam / (2.35 SNR); NaN: not found but given
  double snr = 0;                // of all frames: the profile as a filter on the forced fluxes
  double peakFlux = 0, peakFluxError = 0;  // largest of fluxRec
  int peakFrame = 0;
  double durationS = 0;  // of the frames in which fluxRec is above half its peak
  int framesDetected = 0;
  Variability variability;
  SourceLabel label = SourceLabel::kSteady;
  int nearest = -1;  // row of the nearest other source; -1: there is none
  double nearestPx = 0;
  int32_t flags = 0;  // sum of SourceFlag; and of PointFlag for each frame
  std::vector<int32_t> pointFlags;
  std::vector<double>
      upperLimit;              // 3 sigma above the larger of flux and 0, where it is not detected; else NaN
  std::vector<bool> detected;  // flux above 3 of its errors
};

/// steady: the chance that a constant flux changes as much, over all frames or in a run of them, is >= 0.001: either of the
/// two >= 0.0005. Else transient when the frames in which its profile is below a fifth of its
/// largest value, 3 at least, have a mean flux below 3 of its errors or below a tenth of the peak: it goes out. Else variable.
SourceLabel labelOf(const MeasuredSource& source, const Variability& variability);

/// How long each frame stands for: to half of the way to its neighbours, but no further than the median of these ways takes it,
/// so that what is seen on one night does not last until the next.
std::vector<double> frameSeconds(const std::vector<double>& timesMjd);

struct RowScales {
  double beamPx = 0;
  double fluxRecError = 1;  // of fluxRec, in units of the frame's noise
  std::vector<double> frameSeconds;
};

/// Positions in pixels stay as they are; sky positions are the caller's.
ReconstructedSource catalogueRow(MeasuredSource measured, const RowScales& scales);

void findNeighbours(std::vector<ReconstructedSource>& sources);

}  // namespace otf
