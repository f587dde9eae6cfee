// A detection that also tells how good it is, without a truth: parts of the image are searched again, once upside down for what
// is no source, and once with mock sources for what is missed (docs/quality.md). One task: its items are those of the
// detection, then those of the parts.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "detect/detection_task.h"
#include "detect/quality/counts.h"
#include "detect/quality/mocks.h"
#include "detect/quality/sample.h"

namespace otf::quality {

struct QualityRequest {
  int64_t tiles = 64;  // about as many are searched again upside down, and as many with mock sources
  uint64_t seed = 1;
  std::vector<MockKind> kinds;  // of the mock sources; none: point sources
};

struct QualityResult {
  int64_t tiles = 0;      // searched again, in all
  double sampled = 0;     // part of the searched pixels that was turned upside down
  int64_t negatives = 0;  // found there
  int64_t mocks = 0, recovered = 0;
  std::vector<QualityBin> bySnr, byFlux;  // by the peak over the noise, and by the peak
  std::vector<double> reliability;        // of each source
};

class QualityTask : public TileTask {
 public:
  /// The same detection of a part of the image, on its own copy of it.
  using OpenPart = std::function<std::unique_ptr<DetectionTask>(const Region& part)>;

  /// `detection` measures (kInvalidArgument otherwise).
  QualityTask(std::shared_ptr<DetectionTask> detection, const OpenPart& open, const QualityRequest& request);

  DetectionTask& detection() const { return *detection_; }

  int64_t items() const override { return runs_.back().end; }
  Extent itemExtent() const override { return detection_->itemExtent(); }
  int64_t inputValues() const override { return detection_->inputValues(); }
  int64_t outputValues() const override { return detection_->outputValues(); }
  void checkNetwork(const Network& network) const override { detection_->checkNetwork(network); }
  int64_t memoryBytes() const override;
  bool decodes() const override { return detection_->decodes(); }
  int64_t prepare() override;
  void fill(int64_t first, int count, float* out) override;
  void consume(int64_t first, int count, const float* tiles, const float* outputs) override;
  void finish(int threads) override;
  void cancel() override;

  /// After finish.
  const QualityResult& result() const { return result_; }

 private:
  /// One search: items [begin, end) are its.
  struct Run {
    DetectionTask* task;
    int64_t begin, end;
  };
  struct Part {
    std::unique_ptr<DetectionTask> task;
    Region inner;   // what counts of it
    bool isTurned;  // upside down; else with mocks
    std::vector<Mock> mocks;
  };

  void addTurned(const OpenPart& open, const Region& box, std::vector<Mock> mocks);
  void addMocked(const OpenPart& open, const Region& box, std::vector<Mock> mocks);
  /// Where the detection searches, new ones of each seed.
  std::vector<Mock> mocksIn(const Region& box, uint64_t seed, std::span<const MockKind> kinds) const;
  void addRun(std::unique_ptr<Part> part);
  /// Limits and noise are those of the detection, which has read all of its pixels by then.
  void settleParts();
  template <typename Work>
  void overRuns(int64_t first, int count, Work work) const;
  void tell();
  std::vector<Seen> seenOf(const DetectionTask& task, const Region& inner) const;

  std::shared_ptr<DetectionTask> detection_;
  std::vector<std::unique_ptr<Part>> parts_;
  std::vector<Run> runs_;
  int64_t next_ = 0;  // first item that has not been filled
  bool settled_ = false;
  int64_t marginPx_ = 0;
  double beamPx_ = 0;
  QualityResult result_;
};

}  // namespace otf::quality
