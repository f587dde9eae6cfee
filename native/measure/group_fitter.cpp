#include "measure/group_fitter.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numbers>

#include "measure/doubles.h"
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

/// Fits groups, one after the other; what it needs to know of its sources comes by their indices.
class GroupFitter {
 public:
  explicit GroupFitter(const FitTask& task)
      : image_(task.image),
        noise_(task.noise),
        detections_(task.detections),
        peaks_(task.peaks),
        effort_(task.effort),
        minSnr_(task.minSnr) {}

  void fit(const std::vector<size_t>& group, const Window& window, std::vector<Measurement>& out) {
    begin(group, out);
    fitBegun(group, window, out);
  }

  void fitInPlace(const std::vector<size_t>& group, const Window& window, std::vector<Measurement>& out) {
    begin(group, out);
    collect(window);
    std::vector<Gaussian> fits = starts_;
    const bool solved = pixels_.count() > 0 && fitPeaks(pixels_, fits);
    const std::array<bool, kMostTogether> shapes{};
    std::vector<GaussianErrors> errors;
    if (solved) errors = fitErrors(pixels_, fits, {shapes.data(), fits.size()}, rms_, noiseShape_, true);
    constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
    errors.resize(group.size(), {kNaN, {}, 0, 0, 0, kNaN, 0});
    for (size_t k = 0; k < group.size(); ++k) {
      if (!solved) fits[k].peak = kNaN;
      write(k, fits[k], errors[k], false, !solved, out[group[k]]);
    }
  }

 private:
  void fitBegun(const std::vector<size_t>& group, const Window& window, std::vector<Measurement>& out) {
    collect(window);
    std::vector<Gaussian> fits;
    std::array<bool, kMostTogether> free{};
    std::vector<GaussianErrors> errors;
    // Of several the beam's shape tells the places first.
    if (effort_ == Effort::kFast || starts_.size() > 1) fits = fitBeamShaped();
    if (effort_ == Effort::kFull) {
      // Where one leaves so little that no two could be better, the fit of twelve parameters need not be tried.
      if (!fits.empty() && withoutDouble(group, fits, free, 0, window, out)) return;
      free.fill(true);
      std::vector<Gaussian> shaped = fitFree(fits.empty() ? starts_ : fits, free);
      if (!shaped.empty()) {
        fits = settle(std::move(shaped), free, errors);
      } else {
        free.fill(false);
        if (fits.empty() && starts_.size() == 1) fits = fitBeamShaped();
      }
    }
    const bool failed = fits.empty();
    const bool isAsked = !failed && effort_ == Effort::kFull && group.size() > 1;
    if (isAsked && withoutDouble(group, fits, free, sumOfSquares(pixels_, fits), window, out)) return;
    if (failed) {
      free.fill(true);
      for (size_t k = 0; k < group.size(); ++k) {
        fits.push_back(momentsOf(pixels_, starts_[k], beams_[k]));
        errors.push_back(condonErrors(fits[k], rms_, beams_[k], true));
      }
    } else if (!anyWanted(group, fits, out)) {
      errors.resize(fits.size());
    } else {
      if (errors.empty()) errors = errorsOf(fits, free);
      refinePlaces(collectForPlaces(window), fits, {free.data(), fits.size()}, rms_, noiseShape_, errors);
    }
    for (size_t k = 0; k < group.size(); ++k) write(k, fits[k], errors[k], free[k], failed, out[group[k]]);
  }

  bool anyWanted(const std::vector<size_t>& group, const std::vector<Gaussian>& fits,
                 const std::vector<Measurement>& out) const {
    for (size_t k = 0; k < group.size(); ++k) {
      if (!(fits[k].peak / out[group[k]].rms < minSnr_)) return true;
    }
    return false;
  }

  void begin(const std::vector<size_t>& group, std::vector<Measurement>& out) {
    starts_.clear();
    beams_.clear();
    flags_.assign(group.size(), group.size() > 1 ? kBlended : 0);
    rms_ = 0;
    for (const size_t i : group) {
      starts_.push_back(peaks_[i].start);
      beams_.push_back(detections_[i].beam);
      const NoiseMap::Value local = noise_.at(peaks_[i].start.x, peaks_[i].start.y);
      out[i].background = local.background;
      out[i].rms = local.rms;
      rms_ = std::max(rms_, local.rms);
    }
    noiseShape_ = noiseShape(noise_.correlation(), beams_.front());
  }

  void collect(const Window& window) {
    Extent2 all = extentWithin(kFitSigmas, starts_.front());
    for (size_t k = 0; k < starts_.size(); ++k) {
      const Extent2 one = extentWithin(kFitSigmas, starts_[k]);
      all.include(one);
      const bool cut =
          one.left < 0 || one.bottom < 0 || one.right >= image_.width || one.top >= image_.height;
      if (cut) flags_[k] |= kEdge;
    }
    const auto isWanted = [&](double x, double y) {
      return std::ranges::any_of(starts_, [&](const Gaussian& start) { return reaches(start, x, y); });
    };
    const auto blank = [&](double x, double y) {
      for (size_t k = 0; k < starts_.size(); ++k) {
        if (reaches(starts_[k], x, y)) flags_[k] |= kBlankNear;
      }
    };
    gather(window, noise_, all, 1, isWanted, blank, pixels_);
  }

  /// The pixels their places go by.
  const FitPixels& collectForPlaces(const Window& window) {
    Extent2 all = extentOf(starts_.front());
    for (const Gaussian& start : starts_) all.include(extentOf(start));
    const auto isWanted = [&](double x, double y) {
      for (size_t k = 0; k < starts_.size(); ++k) {
        if (reachesForPlace(starts_[k], beams_[k], x, y)) return true;
      }
      return false;
    };
    gather(window, noise_, all, placeStride(beams_.front()), isWanted, [](double, double) {}, placePixels_);
    return placePixels_;
  }

  /// None: it did not converge, or went astray.
  std::vector<Gaussian> fitted(std::vector<Gaussian> from,
                               const std::array<bool, kMostTogether>& free) const {
    const std::span<const bool> shapes(free.data(), from.size());
    if (!fitGaussians(pixels_, rms_, from, shapes).converged) return {};
    for (size_t k = 0; k < from.size(); ++k) {
      const Ellipse began = ellipseOf(starts_[k].shape), ended = ellipseOf(from[k].shape);
      const double moved = std::hypot(from[k].x - starts_[k].x, from[k].y - starts_[k].y);
      const bool astray = !(moved <= kFarthestMove * began.major) ||
                          !(ended.major <= kMostGrowth * began.major) || !(from[k].peak > 0);
      if (astray) return {};
    }
    return from;
  }

  std::vector<Gaussian> fitBeamShaped() const {
    std::vector<Gaussian> from = starts_;
    for (size_t k = 0; k < from.size(); ++k) from[k].shape = beams_[k];
    return fitted(std::move(from), {});
  }

  std::vector<Gaussian> fitFree(const std::vector<Gaussian>& places,
                                const std::array<bool, kMostTogether>& free) const {
    std::vector<Gaussian> from = starts_;
    for (size_t k = 0; k < from.size(); ++k) {
      from[k].x = places[k].x;
      from[k].y = places[k].y;
    }
    return fitted(std::move(from), free);
  }

  std::vector<GaussianErrors> errorsOf(const std::vector<Gaussian>& fits,
                                       const std::array<bool, kMostTogether>& free) const {
    std::vector<GaussianErrors> errors =
        fitErrors(pixels_, fits, {free.data(), fits.size()}, rms_, noiseShape_);
    for (size_t k = errors.size(); k < fits.size(); ++k)
      errors.push_back(condonErrors(fits[k], rms_, beams_[k], free[k]));
    return errors;
  }

  /// Sources that are not resolved get the beam's shape, and all are fitted once more. `free` tells which kept theirs; `errors`
  /// are those of the fits, where they had to be known.
  std::vector<Gaussian> settle(std::vector<Gaussian> shaped, std::array<bool, kMostTogether>& free,
                               std::vector<GaussianErrors>& errors) const {
    std::vector<Gaussian> mixed = shaped;
    bool any = false, isLarger = false;
    for (size_t k = 0; k < shaped.size(); ++k)
      isLarger = isLarger || areaRatio(shaped[k].shape, beams_[k]) > 1;
    // What is smaller than the beam is not resolved, whatever its errors.
    if (isLarger) errors = errorsOf(shaped, free);
    for (size_t k = 0; k < shaped.size(); ++k) {
      free[k] = isLarger && isResolved(shaped[k], beams_[k], errors[k]);
      any = any || !free[k];
      if (!free[k]) mixed[k].shape = beams_[k];
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
    const double width = kFwhmPerSigma * std::pow(beams_.front().determinant(), 0.25);
    const auto [stays, goes] = closestPair(fits, kDoubleWidths * width);
    if (stays == goes) return false;
    const Gaussian one = joined(fits[stays], fits[goes]);
    std::vector<Gaussian> trial = fits;
    std::array<bool, kMostTogether> shapes = free;
    trial[stays] = one;
    shapes[stays] = true;
    trial.erase(trial.begin() + static_cast<std::ptrdiff_t>(goes));
    std::shift_left(shapes.begin() + goes, shapes.end(), 1);
    const FitOutcome single = fitGaussians(pixels_, rms_, trial, {shapes.data(), trial.size()});
    const double correlated = 4 * std::numbers::pi * std::sqrt(beams_.front().determinant());
    const double most = squares + kDoubleGain * correlated * rms_ * rms_;
    if (!single.converged || !(single.squares <= most)) return false;
    std::vector<size_t> left = group;
    left.erase(left.begin() + static_cast<std::ptrdiff_t>(goes));
    out[group[goes]].duplicateOf = static_cast<int32_t>(group[stays]);
    const size_t place = stays - (stays > goes ? 1 : 0);
    begin(left, out);
    starts_[place] = one;
    fitBegun(left, window, out);
    return true;
  }

  void write(size_t k, const Gaussian& fit, const GaussianErrors& errors, bool free, bool failed,
             Measurement& out) const {
    out.fit = fit;
    out.errors = errors;
    out.fluxRatio = areaRatio(fit.shape, beams_[k]);
    out.resolved = free && !failed && isResolved(fit, beams_[k], errors);
    out.flags |= flags_[k] | (failed ? kFitFailed : 0) | (free ? 0 : kBeamShaped);
  }

  const ImagePixels& image_;
  const NoiseMap& noise_;
  std::span<const Detection> detections_;
  std::span<const Peak> peaks_;
  Effort effort_;
  double minSnr_;
  std::vector<Gaussian> starts_;
  std::vector<Covariance> beams_;
  std::vector<int32_t> flags_;
  NoiseShape noiseShape_;
  FitPixels pixels_, placePixels_;
  double rms_ = 0;
};

}  // namespace

Extent2 extentOf(const Gaussian& source) { return extentWithin(std::max(kFitSigmas, kPlaceSigmas), source); }

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
