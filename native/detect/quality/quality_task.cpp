#include "detect/quality/quality_task.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include "error/error.h"

namespace otf::quality {
namespace {

Region shrunk(const Region& box, int64_t margin) {
  const int64_t x = std::min(margin, (box.width - 1) / 2), y = std::min(margin, (box.height - 1) / 2);
  return {box.x + x, box.y + y, box.width - 2 * x, box.height - 2 * y};
}

bool holds(const Region& region, double x, double y) {
  const double left = x - static_cast<double>(region.x) + 0.5,
               bottom = y - static_cast<double>(region.y) + 0.5;
  return left >= 0 && bottom >= 0 && left < static_cast<double>(region.width) &&
         bottom < static_cast<double>(region.height);
}

double pixelsOf(const Region& region) {
  return static_cast<double>(region.width) * static_cast<double>(region.height);
}

/// Of a run's pixels, those with a value.
double filled(const DetectionTask& task) {
  const PixelCounts& counts = task.result().pixels;
  return static_cast<double>(counts.pixels - counts.blanked - counts.zero);
}

void negate(int64_t, int64_t, int64_t columns, int64_t rows, float* pixels, int64_t stride) {
  for (int64_t r = 0; r < rows; ++r) {
    for (float *at = pixels + r * stride, *end = at + columns; at < end; ++at) *at = -*at;
  }
}

/// Bins of the flux density are those of the SNR in the typical noise.
std::vector<double> fluxEdges(double rms) {
  std::vector<double> edges(snrEdges().begin(), snrEdges().end());
  for (double& edge : edges) edge *= rms;
  return edges;
}

}  // namespace

QualityTask::QualityTask(std::shared_ptr<DetectionTask> detection, const OpenPart& open,
                         const QualityRequest& request)
    : detection_(std::move(detection)) {
  beamPx_ = beamPixels(detection_->header(), detection_->layout().region);
  runs_.push_back({detection_.get(), 0, detection_->items()});
  const Region searched = detection_->searched().bounds();
  const TileLayout& layout = detection_->layout();
  const Sample sample = chooseSample(layoutTiles(searched, layout.tilePx, layout.overlapPx), request.tiles);
  marginPx_ = sample.marginPx;
  uint64_t seed = request.seed;
  // Half of what is turned upside down has mock sources of its own; of one box, the box once more in place of a round.
  const bool isWhole = sample.boxes.size() == 1;
  const int rounds = std::max(1, sample.rounds - (isWhole ? 1 : 0));
  uint64_t turnedSeed = seed + static_cast<uint64_t>(rounds) * sample.boxes.size();
  for (size_t i = 0; i < sample.boxes.size(); ++i) {
    const Region& box = sample.boxes[i];
    const bool isPlain = i % 4 == 0 || i % 4 == 3;  // on one diagonal of the four quarters
    if (isWhole || isPlain) addTurned(open, box, {});
    if (isWhole || !isPlain) addTurned(open, box, mocksIn(box, turnedSeed++, request.kinds));
  }
  for (int round = 0; round < rounds; ++round) {
    for (const Region& box : sample.boxes) addMocked(open, box, mocksIn(box, seed++, request.kinds));
  }
  result_.tiles = items() - detection_->items();
}

std::vector<Mock> QualityTask::mocksIn(const Region& box, uint64_t seed,
                                       std::span<const MockKind> kinds) const {
  std::vector<Mock> mocks = placeMocks(detection_->header(), shrunk(box, marginPx_), beamPx_, seed, kinds);
  std::erase_if(mocks, [this](const Mock& mock) { return !detection_->searched().contains(mock.x, mock.y); });
  return mocks;
}

void QualityTask::addTurned(const OpenPart& open, const Region& box, std::vector<Mock> mocks) {
  auto part = std::make_unique<Part>(Part{open(box), shrunk(box, marginPx_), true, std::move(mocks)});
  part->task->alter([&own = part->mocks](int64_t x0, int64_t y0, int64_t columns, int64_t rows, float* pixels,
                                         int64_t stride) {
    negate(x0, y0, columns, rows, pixels, stride);
    addMocks(own, x0, y0, columns, rows, pixels, stride);
  });
  addRun(std::move(part));
}

void QualityTask::addMocked(const OpenPart& open, const Region& box, std::vector<Mock> mocks) {
  if (mocks.empty()) return;
  auto part = std::make_unique<Part>(Part{open(box), shrunk(box, marginPx_), false, std::move(mocks)});
  part->task->alter(
      [&own = part->mocks](int64_t x0, int64_t y0, int64_t columns, int64_t rows, float* pixels,
                           int64_t stride) { addMocks(own, x0, y0, columns, rows, pixels, stride); });
  addRun(std::move(part));
}

void QualityTask::addRun(std::unique_ptr<Part> part) {
  const int64_t begin = items();
  runs_.push_back({part->task.get(), begin, begin + part->task->items()});
  parts_.push_back(std::move(part));
}

int64_t QualityTask::memoryBytes() const {
  int64_t most = 0;
  for (const auto& part : parts_) most = std::max(most, part->task->memoryBytes());
  return detection_->memoryBytes() + most;
}

void QualityTask::settleParts() {
  if (settled_) return;
  const measure::NoiseMap& noise = detection_->noise();
  for (const auto& part : parts_) {
    setPeaks(noise, part->mocks);
    part->task->settle(detection_->plan(), part->isTurned ? noise.inverted() : noise);
  }
  settled_ = true;
}

int64_t QualityTask::prepare() {
  const auto run = std::ranges::find_if(runs_, [this](const Run& each) { return next_ < each.end; });
  if (run == runs_.end()) return 0;
  if (run != runs_.begin()) settleParts();
  return run->task->prepare();
}

/// `work(task, first, count, skipped)`: items of each run that has some of these, and how many of all came before them.
template <typename Work>
void QualityTask::overRuns(int64_t first, int count, Work work) const {
  if (first < 0 || count < 0 || first + count > items())
    throw OtfError(Code::kInternal, "item " + std::to_string(first + count - 1) + " does not exist");
  for (const Run& run : runs_) {
    const int64_t begin = std::max(first, run.begin), end = std::min(first + count, run.end);
    if (begin < end) work(*run.task, begin - run.begin, static_cast<int>(end - begin), begin - first);
  }
}

void QualityTask::fill(int64_t first, int count, float* out) {
  overRuns(first, count, [&](DetectionTask& task, int64_t own, int number, int64_t skipped) {
    if (&task != detection_.get()) settleParts();
    task.fill(own, number, out + skipped * inputValues());
  });
  next_ = first + count;
}

void QualityTask::consume(int64_t first, int count, const float* tiles, const float* outputs) {
  overRuns(first, count, [&](DetectionTask& task, int64_t own, int number, int64_t skipped) {
    task.consume(own, number, tiles + skipped * inputValues(), outputs + skipped * outputValues());
  });
}

void QualityTask::cancel() {
  TileTask::cancel();
  for (const Run& run : runs_) run.task->cancel();
}

void QualityTask::finish(int threads) {
  detection_->finish(threads);
  settleParts();  // those of which a mask left nothing have not been looked at
  for (const auto& part : parts_) part->task->finish(threads);
  tell();
}

std::vector<Seen> QualityTask::seenOf(const DetectionTask& task, const Region& inner) const {
  const DetectionResult& found = task.result();
  std::vector<Seen> out;
  for (size_t i = 0; i < found.sources.size(); ++i) {
    const measure::Measurement& measured = found.measured[i].pixels;
    const bool fitted = std::isfinite(measured.fit.x + measured.fit.y);
    const Seen one{fitted ? measured.fit.x : found.sources[i].x, fitted ? measured.fit.y : found.sources[i].y,
                   measured.snr(), measured.fit.peak};
    if (holds(inner, one.x, one.y)) out.push_back(one);
  }
  return out;
}

void QualityTask::tell() {
  const Region& region = detection_->layout().region;
  const std::vector<Seen> before = seenOf(*detection_, region);
  Tally bySnr, byFlux;
  double turned = 0;
  for (const Seen& seen : before) {
    bySnr.found.push_back({seen.snr, seen.snr});
    byFlux.found.push_back({seen.flux, seen.snr});
  }
  for (const auto& part : parts_) {
    const std::vector<Seen> again = seenOf(*part->task, part->task->layout().region);
    if (part->isTurned) {
      const Region& box = part->task->layout().region;
      const double radius = 2 * beamPx_;
      const double around = static_cast<double>(part->mocks.size()) * std::numbers::pi * radius * radius;
      turned += filled(*part->task) * pixelsOf(part->inner) / pixelsOf(box) *
                detection_->searched().fractionOf(part->inner) *
                std::max(0.0, 1 - around / pixelsOf(part->inner));
      for (const Seen& seen : farFrom(part->mocks, seenOf(*part->task, part->inner), radius)) {
        bySnr.negative.push_back({seen.snr, seen.snr});
        byFlux.negative.push_back({seen.flux, seen.snr});
        if (bySnr.negative.back().isSignificant()) ++result_.negatives;
      }
      continue;
    }
    const std::vector<uint8_t> hits = recovered(part->mocks, before, again, beamPx_);
    for (size_t i = 0; i < hits.size(); ++i) {
      const Mock& mock = part->mocks[i];
      if (mock.isBlank || !(mock.peak > 0)) continue;
      bySnr.mocks.push_back(mock.snr);
      byFlux.mocks.push_back(mock.peak);
      bySnr.recovered.push_back(hits[i]);
      byFlux.recovered.push_back(hits[i]);
      ++result_.mocks;
      result_.recovered += hits[i];
    }
  }
  const double all = filled(*detection_) * detection_->searched().fractionOf(region);
  bySnr.sampled = byFlux.sampled = all > 0 ? turned / all : 0;
  result_.sampled = std::min(1.0, bySnr.sampled);
  const FalseFraction curve = falseFraction(bySnr);
  result_.bySnr = binned(bySnr, curve, snrEdges());
  const double rms = detection_->noise().typicalRms();
  if (rms > 0) result_.byFlux = binned(byFlux, curve, fluxEdges(rms));
  const DetectionResult& found = detection_->result();
  for (const MeasuredSource& source : found.measured)
    result_.reliability.push_back(reliabilityAt(curve, source.pixels.snr()));
}

}  // namespace otf::quality
