#include "measure/group_fitter.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numbers>

#include "measure/derivatives.h"
#include "measure/doubles.h"
#include "measure/group_data.h"
#include "measure/moments.h"
#include "measure/places.h"
#include "measure/reach.h"

namespace otf::measure {
namespace {

/// A fit that went further than this from where it began, in FWHM of what it began with, fitted something else.
constexpr double kFarthestMove = 1, kMostGrowth = 3;
/// Two of a group that are nearer to each other than this, in FWHM of the beam, may be one.
constexpr double kDoubleWidths = 1.3;
/// They are, when one Gaussian fits as well: noise alone lets a second one, of six parameters, lower the sum of squares by about
/// this many times its variance, for each pixel that it is correlated over.
constexpr double kDoubleGain = 4;

/// Fits groups, one after the other.
class GroupFitter {
 public:
  explicit GroupFitter(const FitTask& task) : data_{task} {}

  void fit(const std::vector<size_t>& group, const Window& window, std::vector<Measurement>& out) {
    data_.begin(group, out);
    fitBegun(group, window, out);
  }

  void fitInPlace(const std::vector<size_t>& group, const Window& window, std::vector<Measurement>& out) {
    data_.begin(group, out);
    data_.collect(window);
    std::vector<Gaussian> fits = data_.starts;
    const bool solved = data_.pixels.count() > 0 && fitPeaks(data_.pixels, fits);
    const std::array<bool, kMostTogether> shapes{};
    std::vector<GaussianErrors> errors;
    if (solved)
      errors = fitErrors(data_.pixels, fits, {shapes.data(), fits.size()}, data_.rms, data_.noiseShape, true);
    constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
    errors.resize(group.size(), {kNaN, {}, 0, 0, 0, kNaN, 0});
    for (size_t k = 0; k < group.size(); ++k) {
      if (!solved) fits[k].peak = kNaN;
      write(k, fits[k], errors[k], false, !solved, out[group[k]]);
    }
  }

 private:
  void fitBegun(const std::vector<size_t>& group, const Window& window, std::vector<Measurement>& out) {
    data_.collect(window);
    std::vector<Gaussian> fits;
    std::array<bool, kMostTogether> free{};
    std::vector<GaussianErrors> errors;
    // Of several the beam's shape tells the places first.
    if (data_.task.effort == Effort::kFast || data_.starts.size() > 1) fits = fitBeamShaped();
    if (data_.task.effort == Effort::kFull) {
      // Where one leaves so little that no two could be better, the fit of twelve parameters need not be tried.
      if (!fits.empty() && withoutDouble(group, fits, free, 0, window, out)) return;
      free.fill(true);
      std::vector<Gaussian> shaped = fitFree(fits.empty() ? data_.starts : fits, free);
      if (!shaped.empty()) {
        fits = settle(std::move(shaped), free, errors);
      } else {
        free.fill(false);
        if (fits.empty() && data_.starts.size() == 1) fits = fitBeamShaped();
      }
    }
    const bool failed = fits.empty();
    const bool isAsked = !failed && data_.task.effort == Effort::kFull && group.size() > 1;
    if (isAsked && withoutDouble(group, fits, free, sumOfSquares(data_.pixels, fits), window, out)) return;
    if (failed && group.size() > 1) return withoutFaintest(group, window, out);
    if (failed) {
      free.fill(true);
      for (size_t k = 0; k < group.size(); ++k) {
        fits.push_back(momentsOf(data_.pixels, data_.starts[k], data_.beams[k]));
        errors.push_back(condonErrors(fits[k], data_.rms, data_.beams[k], true));
      }
    } else if (!anyWanted(group, fits, out)) {
      errors.resize(fits.size());
    } else {
      if (errors.empty()) errors = errorsOf(fits, free);
      data_.collectForPlaces(window);
      refinePlaces(data_.placePixels, fits, {free.data(), fits.size()}, data_.rms, data_.noiseShape, errors);
    }
    for (size_t k = 0; k < group.size(); ++k) write(k, fits[k], errors[k], free[k], failed, out[group[k]]);
  }

  bool anyWanted(const std::vector<size_t>& group, const std::vector<Gaussian>& fits,
                 const std::vector<Measurement>& out) const {
    for (size_t k = 0; k < group.size(); ++k) {
      if (!(fits[k].peak / out[group[k]].rms < data_.task.minSnr)) return true;
    }
    return false;
  }

  /// None: it did not converge, or went astray.
  std::vector<Gaussian> fitted(std::vector<Gaussian> from,
                               const std::array<bool, kMostTogether>& free) const {
    const std::span<const bool> shapes(free.data(), from.size());
    if (!fitGaussians(data_.pixels, data_.rms, from, shapes).converged) return {};
    for (size_t k = 0; k < from.size(); ++k) {
      const Ellipse began = ellipseOf(data_.starts[k].shape), ended = ellipseOf(from[k].shape);
      const double moved = std::hypot(from[k].x - data_.starts[k].x, from[k].y - data_.starts[k].y);
      const bool astray = !(moved <= kFarthestMove * began.major) ||
                          !(ended.major <= kMostGrowth * began.major) || !(from[k].peak > 0);
      if (astray) return {};
    }
    return from;
  }

  std::vector<Gaussian> fitBeamShaped() const {
    std::vector<Gaussian> from = data_.starts;
    for (size_t k = 0; k < from.size(); ++k) from[k].shape = data_.beams[k];
    return fitted(std::move(from), {});
  }

  std::vector<Gaussian> fitFree(const std::vector<Gaussian>& places,
                                const std::array<bool, kMostTogether>& free) const {
    std::vector<Gaussian> from = data_.starts;
    for (size_t k = 0; k < from.size(); ++k) {
      from[k].x = places[k].x;
      from[k].y = places[k].y;
    }
    return fitted(std::move(from), free);
  }

  std::vector<GaussianErrors> errorsOf(const std::vector<Gaussian>& fits,
                                       const std::array<bool, kMostTogether>& free) const {
    std::vector<GaussianErrors> errors =
        fitErrors(data_.pixels, fits, {free.data(), fits.size()}, data_.rms, data_.noiseShape);
    for (size_t k = errors.size(); k < fits.size(); ++k)
      errors.push_back(condonErrors(fits[k], data_.rms, data_.beams[k], free[k]));
    return errors;
  }

  /// Sources that are not resolved get the beam's shape, and all are fitted once more. `free` tells which kept theirs; `errors`
  /// are those of the fits, where they had to be known.
  std::vector<Gaussian> settle(std::vector<Gaussian> shaped, std::array<bool, kMostTogether>& free,
                               std::vector<GaussianErrors>& errors) const {
    std::vector<Gaussian> mixed = shaped;
    bool any = false, isLarger = false;
    for (size_t k = 0; k < shaped.size(); ++k)
      isLarger = isLarger || areaRatio(shaped[k].shape, data_.beams[k]) > 1;
    // What is smaller than the beam is not resolved, whatever its errors.
    if (isLarger) errors = errorsOf(shaped, free);
    for (size_t k = 0; k < shaped.size(); ++k) {
      free[k] = isLarger && isResolved(shaped[k], data_.beams[k], errors[k]);
      any = any || !free[k];
      if (!free[k]) mixed[k].shape = data_.beams[k];
    }
    if (!any) return shaped;
    std::vector<Gaussian> refitted = fitted(mixed, free);
    if (refitted.empty()) {
      free.fill(true);
      return shaped;
    }
    errors.clear();
    return refitted;
  }

  /// Of two sources that are one the fainter goes, and the others are fitted again. `squares`: what all of them leave at least.
  /// False: there are no such two.
  bool withoutDouble(const std::vector<size_t>& group, const std::vector<Gaussian>& fits,
                     const std::array<bool, kMostTogether>& free, double squares, const Window& window,
                     std::vector<Measurement>& out) {
    const double width = kFwhmPerSigma * std::pow(data_.beams.front().determinant(), 0.25);
    const auto [stays, goes] = closestPair(fits, kDoubleWidths * width);
    if (stays == goes) return false;
    const Gaussian one = joined(fits[stays], fits[goes]);
    std::vector<Gaussian> trial = fits;
    std::array<bool, kMostTogether> shapes = free;
    trial[stays] = one;
    shapes[stays] = true;
    trial.erase(trial.begin() + static_cast<std::ptrdiff_t>(goes));
    std::shift_left(shapes.begin() + goes, shapes.end(), 1);
    const FitOutcome single = fitGaussians(data_.pixels, data_.rms, trial, {shapes.data(), trial.size()});
    const double correlated = 4 * std::numbers::pi * std::sqrt(data_.beams.front().determinant());
    const double most = squares + kDoubleGain * correlated * data_.rms * data_.rms;
    if (!single.converged || !(single.squares <= most)) return false;
    std::vector<size_t> left = group;
    left.erase(left.begin() + static_cast<std::ptrdiff_t>(goes));
    out[group[goes]].duplicateOf = static_cast<int32_t>(group[stays]);
    const size_t place = stays - (stays > goes ? 1 : 0);
    data_.begin(left, out);
    data_.starts[place] = one;
    fitBegun(left, window, out);
    return true;
  }

  /// What no fit of all describes is often one that is none, beside others that are: the faintest goes, the others are fitted
  /// without it, and it is what they leave.
  void withoutFaintest(const std::vector<size_t>& group, const Window& window,
                       std::vector<Measurement>& out) {
    const auto by = [](const Gaussian& a, const Gaussian& b) { return a.peak < b.peak; };
    const auto faintest = std::ranges::min_element(data_.starts, by) - data_.starts.begin();
    const size_t goes = group[static_cast<size_t>(faintest)];
    std::vector<size_t> left = group;
    left.erase(left.begin() + faintest);
    for (const size_t i : group) out[i].flags |= kBlended;
    data_.begin(left, out);
    fitBegun(left, window, out);
    data_.begin({&goes, 1}, out);
    data_.collect(window);
    for (const size_t i : left) {
      if (out[i].duplicateOf < 0) subtract(out[i].fit, data_.pixels, data_.pixels.values);
    }
    const Gaussian fit = leftOver(data_.pixels, data_.starts.front(), data_.beams.front());
    write(0, fit, condonErrors(fit, data_.rms, data_.beams.front(), true), true, true, out[goes]);
  }

  void write(size_t k, const Gaussian& fit, const GaussianErrors& errors, bool free, bool failed,
             Measurement& out) const {
    out.fit = fit;
    out.errors = errors;
    out.fluxRatio = areaRatio(fit.shape, data_.beams[k]);
    out.resolved = free && !failed && isResolved(fit, data_.beams[k], errors);
    out.flags |= data_.flags[k] | (failed ? kFitFailed : 0) | (free ? 0 : kBeamShaped);
  }

  GroupData data_;
};

}  // namespace

void fitGroups(const FitTask& task, const Grouping& grouping, std::span<const size_t> groups,
               const Window& window, std::vector<Measurement>& out) {
  GroupFitter fitter(task);
  // Sources are in the order of the network's, not of their places: each would wait for what it is made of.
  constexpr size_t kAhead = 2;
  for (size_t k = 0; k < groups.size(); ++k) {
    if (k + kAhead < groups.size()) {
      for (const size_t i : grouping.groups[groups[k + kAhead]]) {
        __builtin_prefetch(&task.detections[i]);
        __builtin_prefetch(&task.peaks[i]);
        __builtin_prefetch(&out[i], 1);
      }
    }
    fitter.fit(grouping.groups[groups[k]], window, out);
  }
}

void fitGroupsInPlace(const FitTask& task, const Grouping& grouping, std::span<const size_t> groups,
                      const Window& window, std::vector<Measurement>& out) {
  GroupFitter fitter(task);
  for (const size_t group : groups) fitter.fitInPlace(grouping.groups[group], window, out);
}

}  // namespace otf::measure
