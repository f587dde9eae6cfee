#include "reconstruct/reconstruction_task.h"

#include <algorithm>
#include <cmath>

#include "error/error.h"
#include "task/pipeline.h"
#include "timing/stopwatch.h"

namespace otf {
namespace {

constexpr int64_t kMostVoxels = int64_t{1} << 31;  // of the reconstructed cube, 8 GiB

CubeReader checked(CubeReader cube, const ReconstructorConfig& config, ReconstructMethod method) {
  const CubeInfo& info = cube.info();
  if (method == ReconstructMethod::kNetwork && info.frames < config.minFrames) {
    throw OtfError(Code::kCubeInvalid, info.label + ": " + std::to_string(info.frames) +
                                           " frames are too few for this network, which needs " +
                                           std::to_string(config.minFrames));
  }
  if (info.frames > kMostVoxels / info.width / info.height) {
    throw OtfError(Code::kImageTooLarge, info.label + ": a cube of " + std::to_string(info.width) + "x" +
                                             std::to_string(info.height) + "x" + std::to_string(info.frames) +
                                             " is too large: cut it in space");
  }
  return cube;
}

}  // namespace

ReconstructionTask::ReconstructionTask(CubeReader cube, PsfReader psf, const ReconstructorConfig& config,
                                       NetworkReach reach, ReconstructRequest request)
    : cube_(checked(std::move(cube), config, request.method)),
      psf_(std::move(psf)),
      config_(config),
      reach_(reach),
      request_(std::move(request)),
      planes_(cube_, psf_),
      threads_(threadCount(request_.threads)),
      timePlan_(planWindows(cube_.info().frames, std::max(config.depthFrames, 1), reach.t)),
      xPlan_(planWindows(cube_.info().width, config.tilePx, reach.x)),
      yPlan_(planWindows(cube_.info().height, config.tilePx, reach.y)) {
  resolvePositions();
}

int64_t ReconstructionTask::items() const {
  return static_cast<int64_t>(timePlan_.windows.size() * yPlan_.windows.size() * xPlan_.windows.size());
}

Extent ReconstructionTask::itemExtent() const {
  return {static_cast<int>(xPlan_.size), static_cast<int>(yPlan_.size), static_cast<int>(timePlan_.size)};
}

int64_t ReconstructionTask::outputValues() const { return xPlan_.size * yPlan_.size * timePlan_.size; }
int64_t ReconstructionTask::inputValues() const { return kChannels * outputValues(); }

void ReconstructionTask::checkNetwork(const Network& network) const {
  const NetworkReach reach = reconstructorReach(network, kChannels);
  if (reach.x > reach_.x || reach.y > reach_.y || reach.t > reach_.t)
    throw OtfError(Code::kReconstructorConfig, "the network sees further than the tiles were laid for");
}

int64_t ReconstructionTask::memoryBytes() const {
  const int64_t window = kChannels * planes_.pixels() * timePlan_.size,
                cube = planes_.pixels() * cube_.info().frames;
  return Channels::memoryBytes(planes_) + (window + cube) * static_cast<int64_t>(sizeof(float));
}

ReconstructionTask::Item ReconstructionTask::itemAt(int64_t index) const {
  const auto i = static_cast<size_t>(index);
  const size_t columns = xPlan_.windows.size(), tiles = columns * yPlan_.windows.size();
  return {i / tiles, i % tiles / columns, i % columns};
}

int64_t ReconstructionTask::prepare() {
  if (isCancelled()) throw OtfError(Code::kCancelled, "stopped on request");
  const auto last = static_cast<int64_t>(timePlan_.windows.size()) - 1;
  if (preparedWindow_ < last) prepareWindow(static_cast<size_t>(preparedWindow_ + 1));
  return items() / (last + 1) * (preparedWindow_ + 1);
}

void ReconstructionTask::prepareWindow(size_t time) {
  const Stopwatch watch;
  if (!channels_) {
    channels_ = std::make_unique<Channels>(planes_, config_, threads_, cancelFlag());
    reconstructed_.resize(static_cast<size_t>(planes_.pixels() * cube_.info().frames));
  }
  const int64_t pixels = planes_.pixels(), size = timePlan_.size;
  const int64_t start = timePlan_.windows[time].start;
  // Frames that the window before has too are moved, not made again.
  const int64_t had = time == 0 ? 0 : timePlan_.windows[time - 1].start + size - start;
  std::vector<float> made(static_cast<size_t>(kChannels * (size - had) * pixels));
  channels_->make(static_cast<int>(start + had), static_cast<int>(size - had), made.data());
  window_.resize(static_cast<size_t>(kChannels * size * pixels));
  for (int64_t c = 0; c < kChannels; ++c) {
    float* channel = window_.data() + c * size * pixels;
    std::copy_n(channel + (size - had) * pixels, had * pixels, channel);
    std::copy_n(made.data() + c * (size - had) * pixels, (size - had) * pixels, channel + had * pixels);
  }
  preparedWindow_ = static_cast<int64_t>(time);
  result_.seconds.channels += watch.seconds();
}

void ReconstructionTask::fill(int64_t first, int count, float* out) {
  const int64_t width = cube_.info().width, pixels = planes_.pixels();
  for (int64_t i = first; i < first + count; ++i) {
    if (isCancelled()) throw OtfError(Code::kCancelled, "stopped on request");
    const Item item = itemAt(i);
    while (preparedWindow_ < static_cast<int64_t>(item.time))
      prepareWindow(static_cast<size_t>(preparedWindow_ + 1));
    const int64_t x0 = xPlan_.windows[item.x].start, y0 = yPlan_.windows[item.y].start;
    for (int64_t plane = 0; plane < kChannels * timePlan_.size; ++plane) {
      for (int64_t y = 0; y < yPlan_.size; ++y) {
        std::copy_n(window_.data() + plane * pixels + (y0 + y) * width + x0, xPlan_.size, out);
        out += xPlan_.size;
      }
    }
  }
}

void ReconstructionTask::consume(int64_t first, int count, const float*, const float* outputs) {
  const int64_t width = cube_.info().width, pixels = planes_.pixels();
  for (int64_t i = first; i < first + count; ++i, outputs += outputValues()) {
    const Item item = itemAt(i);
    const Window &t = timePlan_.windows[item.time], &y = yPlan_.windows[item.y], &x = xPlan_.windows[item.x];
    for (int64_t frame = t.keepStart; frame < t.keepEnd; ++frame) {
      for (int64_t row = y.keepStart; row < y.keepEnd; ++row) {
        const float* from =
            outputs + ((frame - t.start) * yPlan_.size + row - y.start) * xPlan_.size + x.keepStart - x.start;
        std::copy_n(
            from, x.keepEnd - x.keepStart,
            reconstructed_.begin() + static_cast<std::ptrdiff_t>(frame * pixels + row * width + x.keepStart));
      }
    }
  }
  consumed_ += count;
}

}  // namespace otf
