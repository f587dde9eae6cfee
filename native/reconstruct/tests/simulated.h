// Simulated cubes through the shipped network, for this room's tests.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "engine/registry/registry.h"
#include "reconstruct/tests/fixtures.h"
#include "simulate/cube/cube.h"
#include "task/pipeline.h"

namespace otf::test {

inline const std::string kWeights = std::string(OTF_MODELS) + "/demo-transients/weights.dat";

inline CubeSpec spec(int64_t size, int frames) {
  CubeSpec it;
  it.array = simulate::readAntennaTable(std::string(OTF_MODELS) + "/demo-transients/array.enu", -30.713);
  it.sizePx = size;
  it.frames = frames;
  it.hours = frames / 4.0;
  it.sigmaOverPeak = 0.2;
  it.seed = 11;
  return it;
}

struct Run {
  TemporaryFolder folder;
  CubeTruth truth;
  explicit Run(const CubeSpec& it) : truth(simulateCube(it, folder / "", 2)) {}

  std::unique_ptr<ReconstructionTask> task(const ReconstructorConfig& config,
                                           const ReconstructRequest& request = {}) const {
    const Network network = readNetwork(kWeights);
    const CubeSources files{{{folder / "dirty.fits", "dirty.fits"}}, {{folder / "psf.fits", "psf.fits"}}, {}};
    return std::make_unique<ReconstructionTask>(openBands(files), config,
                                                reconstructorReach(network, kChannels), request);
  }
  void run(ReconstructionTask& task, int batch = 1, int threads = 2) const {
    EngineOptions options;
    options.threads = threads;
    const auto engine = createEngine("onednn", std::make_shared<Network>(readNetwork(kWeights)), options);
    PipelineOptions pipeline;
    pipeline.batch = batch;
    pipeline.threads = threads;
    runTileTask(task, *engine, pipeline);
    task.finish(threads);
  }
};

}  // namespace otf::test
