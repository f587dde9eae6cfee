// What to look at before the numbers of a source are believed.
#pragma once

#include <cstdint>
#include <vector>

#include "reconstruct/catalogue_row.h"
#include "reconstruct/config.h"
#include "reconstruct/cube_reader.h"

namespace otf {

/// Of a source, with the meanings they have in a catalogue of detections (measure/measure.h).
enum SourceFlag : int32_t {
  kNeighbourInBeam = 1,  // another source is within a FWHM of the reconstruction's Gaussian
  kEdgeInBeam = 2,       // the edge of the image is
  kSomeFramesBlank = 4,  // its pixel is blank in some frames
  kBeyondTraining = 32,  // the network was shown a peak brighter than it was trained for
};

/// Of a point of a light curve.
enum PointFlag : int32_t {
  kPixelBlank = 1,  // nothing was measured
  kDisturbed =
      2,  // the residual around is noisier than the frame: sources or sidelobes that are not explained
};

/// Of all sources of a band. `sigmas`: noise of its frames.
void flagSources(const CubeInfo& cube, const std::vector<double>& sigmas, const ReconstructorConfig& config,
                 ReconstructMethod method, std::vector<ReconstructedSource>& sources);

}  // namespace otf
