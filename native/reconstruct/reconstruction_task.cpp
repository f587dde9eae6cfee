#include "reconstruct/reconstruction_task.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>

#include "error/error.h"
#include "task/pipeline.h"
#include "timing/stopwatch.h"

namespace otf {
namespace {

constexpr int64_t kMostVoxels = int64_t{1} << 31;  // of the reconstructed cube, 8 GiB

Bands checked(Bands bands, const ReconstructorConfig& config, ReconstructMethod method) {
  if (bands.empty()) throw OtfError(Code::kInvalidArgument, "a cube has a band at least");
  const CubeInfo& info = bands.front()->info();
  if (method == ReconstructMethod::kNetwork && info.frames < config.minFrames) {
    throw OtfError(Code::kCubeInvalid, info.label + ": " + std::to_string(info.frames) +
                                           " frames are too few for this network, which needs " +
                                           std::to_string(config.minFrames));
  }
  const auto count = static_cast<int64_t>(bands.size());
  if (info.frames > kMostVoxels / count / info.width / info.height) {
    throw OtfError(Code::kImageTooLarge, info.label + ": a cube of " + std::to_string(info.width) + "x" +
                                             std::to_string(info.height) + "x" + std::to_string(info.frames) +
                                             (count > 1 ? " in " + std::to_string(count) + " bands" : "") +
                                             " is too large: cut it in space");
  }
  return bands;
}

}  // namespace

ReconstructionTask::ReconstructionTask(Bands bands, const ReconstructorConfig& config, NetworkReach reach,
                                       ReconstructRequest request)
    : bands_(checked(std::move(bands), config, request.method)),
      config_(config),
      reach_(reach),
      request_(std::move(request)),
      threads_(threadCount(request_.threads)),
      timePlan_(planWindows(cube().frames, std::max(config.depthFrames, 1), reach.t)),
      xPlan_(planWindows(cube().width, config.tilePx, reach.x)),
      yPlan_(planWindows(cube().height, config.tilePx, reach.y)) {
  resolvePositions();
}

int64_t ReconstructionTask::items() const {
  return static_cast<int64_t>(bands_.size() * timePlan_.windows.size() * yPlan_.windows.size() *
                              xPlan_.windows.size());
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
  const CubePlanes& planes = first().planes;
  const int64_t window = kFrameChannels * planes.pixels() * timePlan_.size,
                cubes = planes.pixels() * cube().frames * static_cast<int64_t>(bands_.size());
  return Channels::memoryBytes(planes, config_, threads_) +
         (window + cubes) * static_cast<int64_t>(sizeof(float));
}

ReconstructionTask::Item ReconstructionTask::itemAt(int64_t index) const {
  const auto i = static_cast<size_t>(index);
  const size_t columns = xPlan_.windows.size(), tiles = columns * yPlan_.windows.size(),
               times = timePlan_.windows.size();
  return {i / tiles / times, i / tiles % times, i % tiles / columns, i % columns};
}

int64_t ReconstructionTask::prepare() {
  if (isCancelled()) throw OtfError(Code::kCancelled, "stopped on request");
  const auto windows = static_cast<int64_t>(bands_.size() * timePlan_.windows.size());
  if (preparedWindow_ < windows - 1) prepareWindow(static_cast<size_t>(preparedWindow_ + 1));
  return items() / windows * (preparedWindow_ + 1);
}

void ReconstructionTask::prepareWindow(size_t window) {
  const Stopwatch watch;
  const size_t times = timePlan_.windows.size(), time = window % times;
  if (time == 0) {
    if (window > 0) bands_[window / times - 1]->channels.reset();
    bands_[window / times]->begin(config_, request_.staticPart, threads_, cancelFlag());
  }
  const Band& band = *bands_[window / times];
  const int64_t pixels = band.planes.pixels(), size = timePlan_.size;
  const int64_t start = timePlan_.windows[time].start;
  // Frames that the window before has too are moved, not made again.
  const int64_t had = time == 0 ? 0 : timePlan_.windows[time - 1].start + size - start;
  const auto first = static_cast<int>(start + had), count = static_cast<int>(size - had);
  const auto bytes = static_cast<size_t>(kFrameChannels * size * pixels) * sizeof(float);
  if (window_.bytes() != bytes) window_ = Buffer(bytes);
  for (int64_t c = 0; c < kFrameChannels && had > 0; ++c) {
    float* channel = window_.floats() + c * size * pixels;
    std::copy_n(channel + (size - had) * pixels, had * pixels, channel);
  }
  band.channels->make(first, count, window_.floats() + had * pixels, size * pixels);
  preparedWindow_ = static_cast<int64_t>(window);
  result_.seconds.channels += watch.seconds();
}

void ReconstructionTask::fill(int64_t first, int count, float* out) {
  const int64_t width = cube().width, pixels = width * cube().height;
  for (int64_t i = first; i < first + count; ++i) {
    if (isCancelled()) throw OtfError(Code::kCancelled, "stopped on request");
    const Item item = itemAt(i);
    const auto window = static_cast<int64_t>(item.band * timePlan_.windows.size() + item.time);
    while (preparedWindow_ < window) prepareWindow(static_cast<size_t>(preparedWindow_ + 1));
    const int64_t corner = yPlan_.windows[item.y].start * width + xPlan_.windows[item.x].start;
    for (int64_t plane = 0; plane < kFrameChannels * timePlan_.size; ++plane) {
      const float* from = window_.floats() + plane * pixels + corner;
      for (int64_t y = 0; y < yPlan_.size; ++y, out += xPlan_.size)
        std::copy_n(from + y * width, xPlan_.size, out);
    }
    const Band& band = *bands_[item.band];
    const float* all = band.channels->all().data() + corner;
    for (int64_t t = 0; t < timePlan_.size; ++t) {
      const double sigma = band.sigmas[static_cast<size_t>(timePlan_.windows[item.time].start + t)];
      const auto scale = static_cast<float>(1 / sigma);
      for (int64_t y = 0; y < yPlan_.size; ++y, out += xPlan_.size)
        std::transform(all + y * width, all + y * width + xPlan_.size, out,
                       [=](float v) { return v * scale; });
    }
  }
}

void ReconstructionTask::consume(int64_t first, int count, const float*, const float* outputs) {
  const int64_t width = cube().width, pixels = width * cube().height;
  for (int64_t i = first; i < first + count; ++i, outputs += outputValues()) {
    const Item item = itemAt(i);
    const Window &t = timePlan_.windows[item.time], &y = yPlan_.windows[item.y], &x = xPlan_.windows[item.x];
    std::vector<float>& reconstructed = bands_[item.band]->reconstructed;
    for (int64_t frame = t.keepStart; frame < t.keepEnd; ++frame) {
      for (int64_t row = y.keepStart; row < y.keepEnd; ++row) {
        const float* from =
            outputs + ((frame - t.start) * yPlan_.size + row - y.start) * xPlan_.size + x.keepStart - x.start;
        std::copy_n(
            from, x.keepEnd - x.keepStart,
            reconstructed.begin() + static_cast<std::ptrdiff_t>(frame * pixels + row * width + x.keepStart));
      }
    }
  }
  consumed_ += count;
}

}  // namespace otf
