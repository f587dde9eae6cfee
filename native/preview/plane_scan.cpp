#include "preview/plane_scan.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "preview/bands.h"
#include "preview/zscale.h"

namespace otf::preview {
namespace {

/// Calls visit(row, values) for every FITS row from the first.
template <typename Visit>
void eachRow(FitsImage& image, Visit visit) {
  const int64_t width = image.info().width;
  eachBand(image, [&](int64_t y, int64_t rows, const float* band) {
    for (int64_t r = 0; r < rows; ++r) visit(y + r, band + r * width);
  });
}

/// Every stride-th finite pixel in the order of the file, as numpy's values[isfinite(values)][::stride].
class Sampler {
 public:
  explicit Sampler(int64_t stride) : stride_(std::max<int64_t>(1, stride)) {}

  /// `finite`: how many of them are.
  void add(const float* row, int64_t width, int64_t finite) {
    if (finite == width) {
      for (; next_ < width; next_ += stride_) values.push_back(row[next_]);
    } else {
      int64_t rank = 0;
      for (int64_t x = 0; x < width && next_ < finite; ++x) {
        if (std::isnan(row[x])) continue;
        if (rank++ != next_) continue;
        values.push_back(row[x]);
        next_ += stride_;
      }
    }
    next_ -= finite;
  }

  int64_t stride() const { return stride_; }

  std::vector<float> values;

 private:
  int64_t stride_;
  int64_t next_ = 0;  // rank of the next one, from the row's first finite pixel on
};

/// Means and squares row by row: a sum over millions of pixels far from zero would lose what tells them apart.
/// Source: Chan, Golub & LeVeque 1983, The American Statistician 37, 242.
class Moments {
 public:
  /// Gives how many are finite.
  int64_t add(const float* row, int64_t width) {
    int64_t finite = 0;
    double sum = 0;
    for (int64_t x = 0; x < width; ++x) {
      const float value = row[x];
      if (std::isnan(value)) continue;
      ++finite;
      sum += value;
      low_ = std::min(low_, value);
      high_ = std::max(high_, value);
    }
    if (finite == 0) return 0;
    const double mean = sum / static_cast<double>(finite);
    double squares = 0;
    for (int64_t x = 0; x < width; ++x) {
      const double off = row[x] - mean;
      squares += std::isnan(off) ? 0 : off * off;
    }
    merge(static_cast<double>(finite), mean, squares);
    return finite;
  }

  void describe(PlaneStatistics& out) const {
    if (count_ == 0) return;
    out.min = low_;
    out.max = high_;
    out.mean = mean_;
    out.std = std::sqrt(squares_ / count_);
  }

 private:
  void merge(double count, double mean, double squares) {
    const double all = count_ + count, apart = mean - mean_;
    mean_ += apart * count / all;
    squares_ += squares + apart * apart * count_ * count / all;
    count_ = all;
  }

  float low_ = std::numeric_limits<float>::infinity(), high_ = -std::numeric_limits<float>::infinity();
  double count_ = 0, mean_ = 0, squares_ = 0;
};

std::vector<float> sampled(FitsImage& image, int64_t stride) {
  Sampler sampler(stride);
  const int64_t width = image.info().width;
  eachRow(image, [&](int64_t, const float* row) {
    sampler.add(row, width, std::count_if(row, row + width, [](float value) { return !std::isnan(value); }));
  });
  return std::move(sampler.values);
}

/// `all`: every finite pixel in the order of the file. The sample that astropy takes of them.
std::vector<float> everyNth(const std::vector<float>& all, int64_t stride) {
  std::vector<float> out;
  for (size_t i = 0; i < all.size(); i += static_cast<size_t>(stride)) out.push_back(all[i]);
  return out;
}

Cuts zscaleOf(std::vector<float> sample) {
  sample.resize(std::min(sample.size(), static_cast<size_t>(kZscaleSamples)));
  std::sort(sample.begin(), sample.end());
  return zscale(sample).value_or(Cuts{0, 0});
}

}  // namespace

PlaneScan scanPlane(FitsImage& image, int64_t step) {
  const FitsInfo& info = image.info();
  const int64_t pixels = info.width * info.height;
  PlaneScan scan{
      {}, {}, BlockSums({step, 0, 0, blocksOf(info.width, step), blocksOf(info.height, step)}, info.height)};
  Sampler quantiles(blocksOf(pixels, kSampledPx)), guess(pixels / kZscaleSamples);
  Moments moments;
  eachRow(image, [&](int64_t y, const float* row) {
    const int64_t finite = moments.add(row, info.width);
    scan.statistics.finite += finite;
    quantiles.add(row, info.width, finite);
    guess.add(row, info.width, finite);
    scan.sums.add(y, row, info.width);
  });
  PlaneStatistics& found = scan.statistics;
  found.blank = pixels - found.finite;
  moments.describe(found);
  const int64_t stride = std::max<int64_t>(1, found.finite / kZscaleSamples);
  if (stride == guess.stride()) {
    found.zscale = zscaleOf(std::move(guess.values));
  } else if (quantiles.stride() == 1) {
    found.zscale = zscaleOf(everyNth(quantiles.values, stride));
  } else {
    found.zscale = zscaleOf(sampled(image, stride));
  }
  scan.sorted = std::move(quantiles.values);
  std::sort(scan.sorted.begin(), scan.sorted.end());
  return scan;
}

}  // namespace otf::preview
