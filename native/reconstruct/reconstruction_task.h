// A reconstruction as tiles for a network: channels of a cube in windows of space and time, and what is made of its output.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "reconstruct/band.h"
#include "reconstruct/catalogue_row.h"
#include "reconstruct/config.h"
#include "reconstruct/peaks.h"
#include "reconstruct/reach.h"
#include "reconstruct/windows.h"
#include "task/tile_task.h"
#include "tensor/buffer.h"

namespace otf {

class CubeImages;

struct ReconstructSeconds {
  double channels = 0, detect = 0, measure = 0;
};

struct Reconstruction {
  /// One per source, as the band has it in which its SNR is largest; by SNR, positions given after those found.
  std::vector<ReconstructedSource> sources;
  /// The same sources in every band: [band][source].
  std::vector<std::vector<ReconstructedSource>> bands;
  double thresholdSnr = 5;
  /// Of the network's detection: peaks of noise to be expected above the threshold, over all bands, and what the statistic was
  /// divided by for more of them than the card tells of (NoisePeaks; the largest of all bands).
  std::optional<double> noisePeaks;
  double snrDivisor = 1;
  std::vector<std::string> files;  // written into the request's folder, by name
  std::vector<std::string> warnings;
  ReconstructSeconds seconds;
};

/// As TileTask. Items go band by band, window of time by window of time, tile by tile.
class ReconstructionTask : public TileTask {
 public:
  /// Throws kCubeInvalid, kReconstructorConfig, kImageTooLarge. `reach`: the network's.
  ReconstructionTask(Bands bands, const ReconstructorConfig& config, NetworkReach reach,
                     ReconstructRequest request);

  int64_t items() const override;
  Extent itemExtent() const override;
  int64_t inputValues() const override;
  int64_t outputValues() const override;
  void checkNetwork(const Network& network) const override;
  int64_t memoryBytes() const override;
  int64_t prepare() override;
  void fill(int64_t first, int count, float* out) override;
  void consume(int64_t first, int count, const float* items, const float* outputs) override;
  void finish(int threads) override;

  /// Instead of items: what a classical method makes of the cube. finish comes after it.
  void runClassical();

  /// Of the first band.
  const CubeInfo& cube() const { return first().info(); }
  const std::optional<Wcs>& wcs() const { return first().cube.wcs(); }
  const PsfInfo& psf() const { return first().psf.info(); }
  const Bands& bands() const { return bands_; }
  const ReconstructorConfig& config() const { return config_; }
  const ReconstructRequest& request() const { return request_; }
  const Reconstruction& result() const { return result_; }
  /// Of the first band, in units of each frame's noise, [frames][height][width]; once it is finished.
  const std::vector<float>& reconstructed() const { return first().reconstructed; }

 private:
  struct Item {
    size_t band, time, y, x;  // windows
  };
  const Band& first() const { return *bands_.front(); }
  Item itemAt(int64_t index) const;
  void prepareWindow(size_t window);
  void resolvePositions();
  void gatherWarnings();
  std::vector<float> statisticMap(const Band& band) const;
  std::vector<float> detectionMap();
  std::vector<std::string> noisePeakWarnings() const;
  std::vector<Peak> peaksOf(const std::vector<float>& snrMap) const;
  std::vector<MeasuredSource> findSources(const std::vector<float>& snrMap) const;
  void measureBands(const std::vector<MeasuredSource>& found, const std::vector<float>& snrMap, int threads);
  void measureBands(const std::vector<MeasuredSource>& found, CubeImages* images, int threads);
  void chooseBands();

  Bands bands_;
  ReconstructorConfig config_;
  NetworkReach reach_;
  ReconstructRequest request_;
  int threads_;
  WindowPlan timePlan_, xPlan_, yPlan_;
  std::vector<MonitoredPosition> positions_;
  double modelSnr_ = 0;  // of a peak that is part of the model of the sky

  int64_t preparedWindow_ = -1;  // index, over all bands, of the window of time `window_` holds
  Buffer window_;                // [channel][frame][height][width] of the kFrameChannels
  std::atomic<int64_t> consumed_{0};
  Reconstruction result_;
};

}  // namespace otf
