#include "measure/bands.h"

#include <algorithm>
#include <cmath>
#include <mutex>
#include <numeric>
#include <optional>
#include <vector>

#include "error/error.h"
#include "tensor/recycled_buffer.h"
#include "threads/in_threads.h"

namespace otf::measure {
namespace {

/// Rows of items that are worked on together; what they need around them comes on top.
constexpr int64_t kBandRows = 128;

int64_t pixelAt(double value) {
  constexpr double kFarthest = 1e15;
  return static_cast<int64_t>(std::floor(std::clamp(value, -kFarthest, kFarthest)));
}

}  // namespace

Extent2 Extent2::around(double x, double y, double reachX, double reachY) {
  return {pixelAt(x - reachX), pixelAt(x + reachX) + 1, pixelAt(y - reachY), pixelAt(y + reachY) + 1};
}

void Extent2::include(const Extent2& other) {
  left = std::min(left, other.left);
  right = std::max(right, other.right);
  bottom = std::min(bottom, other.bottom);
  top = std::max(top, other.top);
}

void overBands(const ImagePixels& image, std::span<const Extent2> extents, int threads,
               const std::atomic<bool>* cancel,
               const std::function<void(std::span<const size_t>, const Window&)>& work) {
  std::vector<size_t> order(extents.size());
  std::iota(order.begin(), order.end(), size_t{0});
  const auto bandOf = [&](size_t item) {
    return std::clamp<int64_t>(extents[item].bottom, 0, image.height) / kBandRows;
  };
  // From row to row, so that neighbours find each other's pixels in the cache.
  std::ranges::stable_sort(order, {}, [&](size_t item) { return extents[item].bottom; });
  std::vector<std::span<const size_t>> bands;
  for (size_t from = 0; from < order.size();) {
    size_t to = from;
    while (to < order.size() && bandOf(order[to]) == bandOf(order[from])) ++to;
    bands.emplace_back(order.data() + from, to - from);
    from = to;
  }

  std::mutex reading;
  inThreads(bands.size(), threads, [&](size_t band) {
    const std::span<const size_t> items = bands[band];
    std::optional<RecycledBuffer> pixels;
    if (cancel && *cancel) throw OtfError(Code::kCancelled, "the measurement was cancelled");
    Extent2 all = extents[items.front()];
    for (const size_t item : items) all.include(extents[item]);
    Window window{std::clamp<int64_t>(all.left, 0, image.width),
                  std::clamp<int64_t>(all.bottom, 0, image.height), 0, 0};
    window.columns = std::clamp<int64_t>(all.right + 1, window.x0, image.width) - window.x0;
    window.rows = std::clamp<int64_t>(all.top + 1, window.y0, image.height) - window.y0;
    if (window.columns > 0 && window.rows > 0) {
      pixels.emplace(static_cast<size_t>(window.columns * window.rows) * sizeof(float));
      window.pixels = pixels->floats();
      const std::lock_guard guard(reading);
      image.read(window.x0, window.y0, window.columns, window.rows, pixels->floats(), window.columns);
    } else {
      window.columns = window.rows = 0;
    }
    work(items, window);
  });
}

}  // namespace otf::measure
