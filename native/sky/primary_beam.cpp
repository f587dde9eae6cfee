#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <vector>

#include "error/error.h"
#include "fits/fits.h"
#include "sky/frame.h"
#include "sky/wcs.h"

namespace otf {
namespace {

// Beams are usually small; up to this size one read serves every lookup.
constexpr int64_t kCacheBytes = int64_t{64} << 20;
constexpr int64_t kTaps = 4;
constexpr double kMostPlausible = 1.2;

/// Catmull-Rom weights of the samples at -1, 0, 1, 2 for a position t in [0,1) (Keys 1981, a = -1/2).
std::array<double, 4> cubicWeights(double t) {
  const double t2 = t * t, t3 = t2 * t;
  return {0.5 * (-t3 + 2 * t2 - t), 0.5 * (3 * t3 - 5 * t2 + 2), 0.5 * (-3 * t3 + 4 * t2 + t),
          0.5 * (t3 - t2)};
}

using Patch = std::array<std::array<double, kTaps>, kTaps>;  // [row][column], first sample at -1

std::optional<double> interpolate(const Patch& patch, double tx, double ty) {
  const std::array<double, 4> wx = cubicWeights(tx), wy = cubicWeights(ty);
  double sum = 0;
  for (size_t r = 0; r < kTaps; ++r) {
    for (size_t c = 0; c < kTaps; ++c) sum += wy[r] * wx[c] * patch[r][c];
  }
  if (std::isfinite(sum)) return sum;
  // Next to blanks: linear over what is left of the four pixels around, if the nearest of them is there.
  if (!std::isfinite(patch[ty < 0.5 ? 1 : 2][tx < 0.5 ? 1 : 2])) return std::nullopt;
  double weight = 0;
  sum = 0;
  for (size_t r = 1; r <= 2; ++r) {
    for (size_t c = 1; c <= 2; ++c) {
      if (!std::isfinite(patch[r][c])) continue;
      const double w = (r == 1 ? 1 - ty : ty) * (c == 1 ? 1 - tx : tx);
      sum += w * patch[r][c];
      weight += w;
    }
  }
  return sum / weight;
}

}  // namespace

struct PrimaryBeam::Impl {
  FitsImage image;
  Wcs wcs;
  std::vector<float> cache;  // whole image, or empty
  std::vector<std::string> warnings;
  double largest = 0;  // of the values given so far

  Patch patchAround(int64_t column, int64_t row);
};

/// The 4x4 samples whose second is (column, row); edge pixels repeat outwards.
Patch PrimaryBeam::Impl::patchAround(int64_t column, int64_t row) {
  const int64_t width = image.info().width, height = image.info().height;
  const auto clampX = [&](int64_t x) { return std::clamp<int64_t>(x, 0, width - 1); };
  const auto clampY = [&](int64_t y) { return std::clamp<int64_t>(y, 0, height - 1); };
  std::array<float, kTaps * kTaps> window{};
  const int64_t x0 = clampX(column - 1), y0 = clampY(row - 1);
  const int64_t columns = clampX(column + 2) - x0 + 1, rows = clampY(row + 2) - y0 + 1;
  if (cache.empty()) image.readWindow(x0, y0, columns, rows, window.data(), kTaps);
  Patch patch{};
  for (int64_t r = 0; r < kTaps; ++r) {
    for (int64_t c = 0; c < kTaps; ++c) {
      const int64_t x = clampX(column - 1 + c), y = clampY(row - 1 + r);
      patch[static_cast<size_t>(r)][static_cast<size_t>(c)] =
          cache.empty() ? window[static_cast<size_t>((y - y0) * kTaps + (x - x0))]
                        : cache[static_cast<size_t>(y * width + x)];
    }
  }
  return patch;
}

PrimaryBeam PrimaryBeam::open(const std::string& path, const FitsSelect& select) {
  return of(FitsImage::open(path, select));
}

PrimaryBeam PrimaryBeam::of(FitsImage image) {
  const FitsInfo& info = image.info();
  std::vector<std::string> warnings = info.warnings;
  std::optional<Wcs> wcs = Wcs::fromCards(info.cards, info.axes, warnings);
  if (!wcs) {
    const std::string why =
        warnings.size() > info.warnings.size() ? warnings.back() : "it has no celestial WCS";
    throw OtfError(Code::kWcsInvalid,
                   "the primary-beam image " + info.label + " cannot be placed on the sky: " + why);
  }
  std::vector<float> cache;
  if (info.width <= kCacheBytes / 4 / info.height) {
    cache.resize(static_cast<size_t>(info.width * info.height));
    image.readWindow(0, 0, info.width, info.height, cache.data(), info.width);
  }
  return PrimaryBeam(std::unique_ptr<Impl>(
      new Impl{std::move(image), std::move(*wcs), std::move(cache), std::move(warnings)}));
}

PrimaryBeam::PrimaryBeam(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
PrimaryBeam::PrimaryBeam(PrimaryBeam&&) noexcept = default;
PrimaryBeam& PrimaryBeam::operator=(PrimaryBeam&&) noexcept = default;
PrimaryBeam::~PrimaryBeam() = default;

std::vector<std::string> PrimaryBeam::warnings() const {
  std::vector<std::string> lines;
  const std::string& label = impl_->image.info().label;
  for (const std::string& line : impl_->warnings) lines.push_back(label + ": " + line);
  // A little above 1 is interpolation or noise; much above it is a beam in percent, or no beam.
  if (impl_->largest > kMostPlausible) {
    std::array<char, 120> text{};
    std::snprintf(text.data(), text.size(),
                  ": values up to %.4g: the attenuation of a primary beam is 1 at its centre",
                  impl_->largest);
    lines.push_back(label + text.data());
  }
  return lines;
}

std::optional<double> PrimaryBeam::at(SkyPosition position, const SkyFrame& frame) {
  const SkyPosition there = sky::toFrame(position, frame, impl_->wcs.frame());
  const std::optional<std::pair<double, double>> pixel = impl_->wcs.skyToPixel(there);
  if (!pixel) return std::nullopt;
  const auto [x, y] = *pixel;
  // Rounding in the projection must not push the outermost pixel centres outside.
  constexpr double kSlack = 1e-6;
  const FitsInfo& info = impl_->image.info();
  const auto lastX = static_cast<double>(info.width - 1), lastY = static_cast<double>(info.height - 1);
  if (!(x >= -kSlack && y >= -kSlack && x <= lastX + kSlack && y <= lastY + kSlack)) return std::nullopt;
  const double column = std::clamp(std::floor(x), 0.0, lastX), row = std::clamp(std::floor(y), 0.0, lastY);
  const Patch patch = impl_->patchAround(static_cast<int64_t>(column), static_cast<int64_t>(row));
  const std::optional<double> value =
      interpolate(patch, std::clamp(x - column, 0.0, 1.0), std::clamp(y - row, 0.0, 1.0));
  if (!value || !(*value > 0)) return std::nullopt;
  impl_->largest = std::max(impl_->largest, *value);
  return value;
}

}  // namespace otf
