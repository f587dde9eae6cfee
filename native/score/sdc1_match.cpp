// Steps 4 to 6 of docs/score.md.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "score/parallel.h"
#include "score/sdc1.h"
#include "score/sky_match.h"

namespace otf::score {
namespace {

constexpr double kArcsec = 3600;
/// What the three parts of the error are divided by, 3 times 0.31, 0.12 and 1.46; and the error that is too much.
constexpr double kPositionScale = 0.93, kFluxScale = 0.36, kSizeScale = 4.38, kMostError = 5;

double sizeFactor(double kind) { return kind == 1 ? 2.355 / 5 : kind == 3 ? std::sqrt(2.0) : 1; }

/// Truth by cells of the plain (RA, Dec) plane, as many cells as rows.
class PlaneGrid {
 public:
  PlaneGrid(const std::vector<double>& x, const std::vector<double>& y) : x_(x), y_(y) {
    if (x.empty()) return;
    const auto [lowX, highX] = std::ranges::minmax(x);
    const auto [lowY, highY] = std::ranges::minmax(y);
    x0_ = lowX;
    y0_ = lowY;
    const double width = std::max(highX - lowX, 1e-9), height = std::max(highY - lowY, 1e-9);
    side_ = std::max(
        {std::sqrt(width * height / static_cast<double>(x.size())), width / kMostCells, height / kMostCells});
    columns_ = static_cast<int64_t>(width / side_) + 1;
    rows_ = static_cast<int64_t>(height / side_) + 1;
    starts_.assign(static_cast<size_t>(columns_ * rows_) + 1, 0);
    for (size_t i = 0; i < x.size(); ++i) ++starts_[cell(i) + 1];
    std::partial_sum(starts_.begin(), starts_.end(), starts_.begin());
    members_.resize(x.size());
    std::vector<uint32_t> next(starts_.begin(), starts_.end() - 1);
    for (size_t i = 0; i < x.size(); ++i) members_[next[cell(i)]++] = static_cast<uint32_t>(i);
  }

  /// Rows within the radius, its edge with it, by Euclid's distance: no cosine of the declination (a quirk). Cells by row
  /// and column, in a cell as in the catalogue.
  template <typename Visit>
  void within(double x, double y, double radius, Visit visit) const {
    if (members_.empty()) return;
    const auto clampTo = [](double value, int64_t count) {
      return static_cast<int64_t>(std::clamp(std::floor(value), -1.0, static_cast<double>(count)));
    };
    const int64_t left = std::max<int64_t>(clampTo((x - radius - x0_) / side_, columns_) - 1, 0);
    const int64_t right = std::min(clampTo((x + radius - x0_) / side_, columns_) + 1, columns_ - 1);
    const int64_t bottom = std::max<int64_t>(clampTo((y - radius - y0_) / side_, rows_) - 1, 0);
    const int64_t top = std::min(clampTo((y + radius - y0_) / side_, rows_) + 1, rows_ - 1);
    for (int64_t r = bottom; r <= top; ++r) {
      for (int64_t c = left; c <= right; ++c) {
        const auto at = static_cast<size_t>(r * columns_ + c);
        for (uint32_t m = starts_[at]; m < starts_[at + 1]; ++m) {
          const uint32_t i = members_[m];
          const double dx = x_[i] - x, dy = y_[i] - y;
          if (std::sqrt(dx * dx + dy * dy) <= radius) visit(i);
        }
      }
    }
  }

 private:
  static constexpr double kMostCells = 8192;  // along a side
  size_t cell(size_t i) const {
    return static_cast<size_t>(static_cast<int64_t>((y_[i] - y0_) / side_) * columns_ +
                               static_cast<int64_t>((x_[i] - x0_) / side_));
  }

  const std::vector<double>&x_, &y_;
  double x0_ = 0, y0_ = 0, side_ = 1;
  int64_t columns_ = 1, rows_ = 1;
  std::vector<uint32_t> starts_, members_;
};

double meanSize(const Sdc1Catalogue& catalogue, size_t i) {
  return (catalogue.bMaj[i] + catalogue.bMin[i]) / 2 * sizeFactor(catalogue.size[i]);
}

/// Below, with NaN behind every number, as the challenge's tables sort.
bool lessError(double a, double b) { return a < b || (!std::isnan(a) && std::isnan(b)); }

}  // namespace

std::vector<Sdc1Pair> matchSdc1(const Sdc1Catalogue& submission, const Sdc1Catalogue& truth,
                                const Sdc1Options& options, int64_t& bad) {
  const auto& ra = options.centroids ? submission.raCent : submission.raCore;
  const auto& dec = options.centroids ? submission.decCent : submission.decCore;
  const auto& raTruth = options.centroids ? truth.raCent : truth.raCore;
  const auto& decTruth = options.centroids ? truth.decCent : truth.decCore;
  const PlaneGrid grid(raTruth, decTruth);

  // First per id is the best of a row's candidates, then of the rows that share the id: only those need be kept.
  const auto pieces = inPieces<std::vector<Sdc1Pair>>(
      submission.rows(), options.threads, [&](int64_t begin, int64_t end, std::vector<Sdc1Pair>& out) {
        for (int64_t s = begin; s < end; ++s) {
          const auto i = static_cast<size_t>(s);
          Sdc1Pair best{s, -1, std::numeric_limits<double>::quiet_NaN()};
          grid.within(ra[i], dec[i], submission.convSize[i] / kArcsec, [&](uint32_t t) {
            const double conv = truth.convSize[t];
            const double p = separationArcsec(ra[i], dec[i], raTruth[t], decTruth[t]) / conv / kPositionScale;
            const double q = std::abs(submission.flux[i] - truth.flux[t]) / truth.flux[t] / kFluxScale;
            const double r = std::abs(meanSize(truth, t) - meanSize(submission, i)) / conv / kSizeScale;
            const double error = std::sqrt(p * p + q * q + r * r);
            const bool first = best.truth < 0 || lessError(error, best.error);
            // Of equals the one the truth has first, in whatever order cells are visited.
            if (first || (!lessError(best.error, error) && t < best.truth)) best = {s, t, error};
          });
          if (best.truth >= 0) out.push_back(best);
        }
      });
  std::vector<Sdc1Pair> pairs;
  for (const auto& piece : pieces) pairs.insert(pairs.end(), piece.begin(), piece.end());

  const auto firstOfEach = [&pairs](const auto& idOf) {
    std::ranges::stable_sort(pairs, [&](const Sdc1Pair& a, const Sdc1Pair& b) {
      return idOf(a) != idOf(b) ? idOf(a) < idOf(b) : lessError(a.error, b.error);
    });
    const auto rest =
        std::ranges::unique(pairs, [&](const auto& a, const auto& b) { return idOf(a) == idOf(b); });
    pairs.erase(rest.begin(), rest.end());
  };
  const auto idOf = [&](const Sdc1Pair& pair) { return submission.id[static_cast<size_t>(pair.submitted)]; };
  firstOfEach(idOf);
  // A submitted source that loses its truth to another is not given its second choice (a quirk).
  firstOfEach([&](const Sdc1Pair& pair) { return truth.id[static_cast<size_t>(pair.truth)]; });
  std::ranges::stable_sort(pairs, {}, idOf);
  bad = std::ranges::count_if(pairs, [](const Sdc1Pair& pair) { return pair.error >= kMostError; });
  std::erase_if(pairs, [](const Sdc1Pair& pair) { return !(pair.error < kMostError); });
  return pairs;
}

}  // namespace otf::score
