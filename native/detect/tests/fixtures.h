// What the tests of this room share: the conformance data, the demo model's card, a network that replays outputs.
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "detect/detector.h"
#include "engine/engine.h"
#include "error/error.h"
#include "fits/fits.h"
#include "model/network.h"

namespace otf::test {

/// CSV with a header line of names; all cells are numbers.
using Row = std::map<std::string, double>;
std::vector<Row> readCsv(const std::string& path);

/// The numbers after "key": in a JSON text, one or a list.
std::vector<double> jsonNumbers(const std::string& text, const std::string& key);
std::string readText(const std::string& path);

std::string fixture(const std::string& name);  // a file of conformance/detection

/// The demo model's detector section (models/demo-continuum) with the thresholds of conformance/detection.
DetectorConfig demoConfig();
YoloHead demoHead();

/// One 16x16 convolution with stride 16 and the demo head: gives the demo network's output shape, means nothing.
std::shared_ptr<Network> shapeOnlyNetwork(int channels = 1);

/// Calls a function for each forward pass; checks nothing.
class FunctionEngine : public Engine {
 public:
  using Forward = std::function<void(int batch, const float* input, float* output)>;
  FunctionEngine(std::shared_ptr<const Network> network, Forward forward)
      : network_(std::move(network)), forward_(std::move(forward)) {}
  const Network& network() const override { return *network_; }
  const EngineInfo& info() const override { return info_; }
  void forward(Extent, int batch, const float* input, float* output) override {
    forward_(batch, input, output);
  }
  void forwardMonteCarlo(Extent, int, int, uint64_t, const float*, float*, float*) override {
    throw OtfError(Code::kInternal, "not for this test");
  }
  int64_t memoryBytes() const override { return 0; }
  std::vector<LayerTiming> profile(Extent, int, const float*, float*) override {
    throw OtfError(Code::kInternal, "not for this test");
  }

 private:
  std::shared_ptr<const Network> network_;
  Forward forward_;
  EngineInfo info_;
};

/// A folder of its own under the system's temporary one, removed at the end.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  std::string path(const std::string& name) const { return (folder_ / name).string(); }

 private:
  std::filesystem::path folder_;
};

/// Header cards of a TAN projection around RA 150, Dec -30, 1 arcsec per pixel, reference at the centre.
std::vector<FitsKey> skyKeys(int64_t width, int64_t height);

/// The code that `work` throws; fails the test when it throws none. The message goes to `message` when given.
Code codeOf(const std::function<void()>& work, std::string* message = nullptr);

}  // namespace otf::test
