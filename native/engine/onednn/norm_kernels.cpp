#include <omp.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "engine/onednn/kernels.h"
#include "tensor/clones.h"

namespace otf::onednn {
namespace {

constexpr double kEpsilon = 0.001;  // CIANNA norm_create
constexpr int64_t kRun = 64;        // positions summed in float before they join a double

// The four inner loops, over positions of one block:
// `width` channels side by side, `stride` apart from the next position.
template <typename T>
inline __attribute__((always_inline)) void addRun(const T* x, int64_t positions, int64_t stride, int width,
                                                  float* sum) {
  for (int64_t s = 0; s < positions; ++s) {
    for (int c = 0; c < width; ++c) sum[c] += toFloat(x[s * stride + c]);
  }
}
template <typename T>
inline __attribute__((always_inline)) void addSquares(const T* x, int64_t positions, int64_t stride,
                                                      int width, const float* mean, float* sum) {
  for (int64_t s = 0; s < positions; ++s) {
    for (int c = 0; c < width; ++c) {
      const float distance = toFloat(x[s * stride + c]) - mean[c];
      sum[c] += distance * distance;
    }
  }
}
template <typename T>
inline __attribute__((always_inline)) void shiftAndScale(T* x, int64_t positions, int64_t stride, int width,
                                                         const float* mean, const float* factor,
                                                         const float* offset) {
  for (int64_t s = 0; s < positions; ++s) {
    for (int c = 0; c < width; ++c)
      store(x[s * stride + c], (toFloat(x[s * stride + c]) - mean[c]) * factor[c] + offset[c]);
  }
}

OTF_CLONES void sumRun(const float* x, int64_t positions, int64_t stride, int width, float* sum) {
  addRun(x, positions, stride, width, sum);
}
OTF_CLONES void sumRun(const Bf16* x, int64_t positions, int64_t stride, int width, float* sum) {
  addRun(x, positions, stride, width, sum);
}
OTF_CLONES void squareRun(const float* x, int64_t positions, int64_t stride, int width, const float* mean,
                          float* sum) {
  addSquares(x, positions, stride, width, mean, sum);
}
OTF_CLONES void squareRun(const Bf16* x, int64_t positions, int64_t stride, int width, const float* mean,
                          float* sum) {
  addSquares(x, positions, stride, width, mean, sum);
}
OTF_CLONES void applyRun(float* x, int64_t positions, int64_t stride, int width, const float* mean,
                         const float* factor, const float* offset) {
  shiftAndScale(x, positions, stride, width, mean, factor, offset);
}
OTF_CLONES void applyRun(Bf16* x, int64_t positions, int64_t stride, int width, const float* mean,
                         const float* factor, const float* offset) {
  shiftAndScale(x, positions, stride, width, mean, factor, offset);
}

/// Work on one item: the blocks of its channels, one after the other. Scratch is per thread.
template <typename T>
class ItemNorm {
 public:
  ItemNorm(const Layout& layout, const GroupNormLayer& layer) : layout_(layout), layer_(layer) {
    const auto channels = static_cast<size_t>(layout.channels);
    mean_.resize(channels);
    factor_.resize(channels);
    offset_.resize(channels);
    run_.resize(channels);
    total_.resize(channels);
  }

  void operator()(T* item) {
    const int groups = (layout_.channels + layer_.groupSize - 1) / layer_.groupSize;
    total(
        [&](const T* x, int64_t positions, int b) {
          sumRun(x, positions, layout_.block, layout_.width(b), run_.data() + b * layout_.block);
        },
        item);
    forGroups(groups, [&](int, size_t first, size_t last) {
      double sum = 0;
      for (size_t c = first; c < last; ++c) sum += total_[c];
      std::fill(
          mean_.begin() + static_cast<ptrdiff_t>(first), mean_.begin() + static_cast<ptrdiff_t>(last),
          static_cast<float>(sum / (static_cast<double>(layout_.map) * static_cast<double>(last - first))));
    });
    total(
        [&](const T* x, int64_t positions, int b) {
          const int c = b * layout_.block;
          squareRun(x, positions, layout_.block, layout_.width(b), mean_.data() + c, run_.data() + c);
        },
        item);
    forGroups(groups, [&](int g, size_t first, size_t last) {
      double squares = 0;
      for (size_t c = first; c < last; ++c) squares += total_[c];
      const double variance =
          squares / (static_cast<double>(layout_.map) * static_cast<double>(last - first));
      const auto group = static_cast<size_t>(g);
      for (size_t c = first; c < last; ++c) {
        factor_[c] = static_cast<float>(layer_.gamma[group] / std::sqrt(variance + kEpsilon));
        offset_[c] = layer_.beta[group];
      }
    });
    // The last setOff groups pass through untouched.
    const int normalised = std::min(layout_.channels, std::max(0, groups - layer_.setOff) * layer_.groupSize);
    for (int b = 0; b * layout_.block < normalised; ++b) {
      const int c = b * layout_.block;
      const int width = std::min(layout_.width(b), normalised - c);
      applyRun(item + int64_t{b} * layout_.map * layout_.block, layout_.map, layout_.block, width,
               mean_.data() + c, factor_.data() + c, offset_.data() + c);
    }
  }

 private:
  /// total_[c] = sum of add() over all positions: short runs in float, their sums in double.
  template <typename Add>
  void total(Add add, const T* item) {
    std::fill(total_.begin(), total_.end(), 0.0);
    for (int b = 0; b < layout_.blocks(); ++b) {
      const T* first = item + int64_t{b} * layout_.map * layout_.block;
      for (int64_t s = 0; s < layout_.map; s += kRun) {
        const auto from = static_cast<size_t>(b * layout_.block);
        const size_t to = from + static_cast<size_t>(layout_.width(b));
        std::fill(run_.begin() + static_cast<ptrdiff_t>(from), run_.begin() + static_cast<ptrdiff_t>(to),
                  0.0F);
        add(first + s * layout_.block, std::min(kRun, layout_.map - s), b);
        for (size_t c = from; c < to; ++c) total_[c] += run_[c];
      }
    }
  }

  template <typename Visit>
  void forGroups(int groups, Visit visit) const {
    for (int g = 0; g < groups; ++g) {
      const int first = g * layer_.groupSize;
      visit(g, static_cast<size_t>(first),
            static_cast<size_t>(std::min(first + layer_.groupSize, layout_.channels)));
    }
  }

  const Layout& layout_;
  const GroupNormLayer& layer_;
  std::vector<float> mean_, factor_, offset_, run_;
  std::vector<double> total_;
};

template <typename T>
void groupNormItems(T* data, const Layout& layout, const GroupNormLayer& layer) {
  // No exception may leave a parallel region: all memory is there before it begins.
  std::vector<ItemNorm<T>> norms(static_cast<size_t>(omp_get_max_threads()), ItemNorm<T>(layout, layer));
#pragma omp parallel for schedule(static)
  for (int n = 0; n < layout.batch; ++n)
    norms[static_cast<size_t>(omp_get_thread_num())](data + n * layout.itemStride());
}

template <typename T>
void lrnPositions(T* data, const Layout& layout, const LrnLayer& layer) {
  const int64_t positions = layout.batch * layout.map;
  // No two threads write to one line of the cache.
  const size_t stride = (static_cast<size_t>(layout.channels) / 16 + 2) * 16;
  std::vector<float> rows(static_cast<size_t>(omp_get_max_threads()) * stride);
#pragma omp parallel for schedule(static)
  for (int64_t p = 0; p < positions; ++p) {
    float* const row = rows.data() + static_cast<size_t>(omp_get_thread_num()) * stride;
    const int n = static_cast<int>(p / layout.map);
    const int64_t s = p % layout.map;
    for (int c = 0; c < layout.channels; ++c) row[c] = toFloat(data[layout.offset(n, c, s)]);
    for (int c = 0; c < layout.channels; ++c) {
      const int last = std::min(layout.channels - 1, c + layer.range / 2);
      double squares = 0;
      for (int k = std::max(0, c - layer.range / 2); k <= last; ++k)
        squares += static_cast<double>(row[k]) * row[k];
      const double factor = std::pow(layer.k + layer.alpha * squares / layer.range, layer.beta);
      store(data[layout.offset(n, c, s)], static_cast<float>(row[c] / factor));
    }
  }
}

}  // namespace

void groupNorm(void* data, ElementType type, const Layout& layout, const GroupNormLayer& layer) {
  if (type == ElementType::kFloat) {
    groupNormItems(static_cast<float*>(data), layout, layer);
  } else {
    groupNormItems(static_cast<Bf16*>(data), layout, layer);
  }
}

void localResponseNorm(void* data, ElementType type, const Layout& layout, const LrnLayer& layer) {
  if (type == ElementType::kFloat) {
    lrnPositions(static_cast<float*>(data), layout, layer);
  } else {
    lrnPositions(static_cast<Bf16*>(data), layout, layer);
  }
}

}  // namespace otf::onednn
