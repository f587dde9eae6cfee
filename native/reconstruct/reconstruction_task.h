// A reconstruction as tiles for a network: channels of a cube in windows of space and time, and what is made of its output.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "reconstruct/catalogue_row.h"
#include "reconstruct/channels.h"
#include "reconstruct/config.h"
#include "reconstruct/reach.h"
#include "reconstruct/windows.h"
#include "task/tile_task.h"

namespace otf {

struct ReconstructSeconds {
  double channels = 0, detect = 0, measure = 0;
};

struct Reconstruction {
  std::vector<ReconstructedSource> sources;  // by SNR, positions given after those found
  std::vector<double> sigmas;                // per frame, in the cube's unit
  std::vector<double> psfFwhmPx;
  double thresholdSnr = 5;
  int64_t blankPixels = 0;
  std::vector<std::string> files;  // written into the request's folder, by name
  std::vector<std::string> warnings;
  ReconstructSeconds seconds;
};

/// As TileTask. Items go window of time by window of time, tile by tile.
class ReconstructionTask : public TileTask {
 public:
  /// Throws kCubeInvalid, kReconstructorConfig, kImageTooLarge. `reach`: the network's.
  ReconstructionTask(CubeReader cube, PsfReader psf, const ReconstructorConfig& config, NetworkReach reach,
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

  const CubeInfo& cube() const { return cube_.info(); }
  const std::optional<Wcs>& wcs() const { return cube_.wcs(); }
  const PsfInfo& psf() const { return psf_.info(); }
  const ReconstructorConfig& config() const { return config_; }
  const ReconstructRequest& request() const { return request_; }
  const Reconstruction& result() const { return result_; }
  /// In units of each frame's noise, [frames][height][width]; once it is finished.
  const std::vector<float>& reconstructed() const { return reconstructed_; }

 private:
  struct Item {
    size_t time, y, x;  // windows
  };
  Item itemAt(int64_t index) const;
  void prepareWindow(size_t time);
  void resolvePositions();
  void checkTrainedRanges();
  std::vector<float> statisticMap() const;
  std::vector<MeasuredSource> findSources(const std::vector<float>& snrMap) const;
  void writeImages(const std::vector<float>& snrMap, std::vector<MeasuredSource>& sources, int threads);

  CubeReader cube_;
  PsfReader psf_;
  ReconstructorConfig config_;
  NetworkReach reach_;
  ReconstructRequest request_;
  CubePlanes planes_;
  int threads_;
  WindowPlan timePlan_, xPlan_, yPlan_;
  std::vector<MonitoredPosition> positions_;

  std::unique_ptr<Channels> channels_;
  int64_t preparedWindow_ = -1;  // index of the window of time `window_` holds
  std::vector<float> window_;    // [channel][frame][height][width]
  std::vector<float> reconstructed_;
  std::atomic<int64_t> consumed_{0};
  Reconstruction result_;
};

}  // namespace otf
