// The part of normalise.h that looks at the image before anything is normalised.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <optional>
#include <string>

#include "detect/normalise.h"
#include "detect/order_statistics.h"
#include "error/error.h"

namespace otf {
namespace {

using Kind = NormalisePlan::Operation::Kind;

/// `pass` with the steps resolved so far applied.
PixelPass after(const NormalisePlan& plan, const PixelPass& pass) {
  if (plan.operations.empty()) return pass;
  return [&plan, &pass](const PixelSink& sink) {
    std::vector<float> buffer;
    pass([&](std::span<const float> values) {
      buffer.resize(values.size());
      applyOperations(plan, values.data(), buffer.data(), values.size());
      sink(buffer);
    });
  };
}

[[noreturn]] void throwNoValues() {
  throw OtfError(Code::kImageBlank,
                 "every pixel of the region is blank (NaN): nothing to take clip limits from");
}

std::pair<double, double> percentileLimits(const NormaliseStep& step, const PixelPass& pass) {
  const std::array<double, 2> asked{step.a, step.b};
  const std::vector<double> found = exactPercentiles(pass, asked);
  if (found.empty()) throwNoValues();
  return {found[0], found[1]};
}

std::pair<double, double> sigmaLimits(const NormaliseStep& step, const PixelPass& pass) {
  const std::array<double, 1> half{50};
  const std::vector<double> median = exactPercentiles(pass, half);
  if (median.empty()) throwNoValues();
  const PixelPass deviations = [&](const PixelSink& sink) {
    std::vector<float> buffer;
    pass([&](std::span<const float> values) {
      buffer.resize(values.size());
      for (size_t i = 0; i < values.size(); ++i) {
        buffer[i] = static_cast<float>(std::abs(static_cast<double>(values[i]) - median[0]));
      }
      sink(buffer);
    });
  };
  // 1.4826: from the median absolute deviation to the standard deviation of a normal distribution.
  const double sigma = 1.4826 * exactPercentiles(deviations, half).at(0);
  return {median[0] + step.a * sigma, median[0] + step.b * sigma};
}

/// As the model card spells it.
const char* stepName(NormaliseKind kind) {
  switch (kind) {
    case NormaliseKind::kClip:
      return "clip";
    case NormaliseKind::kClipPercentile:
      return "clip_percentile";
    case NormaliseKind::kClipSigma:
      return "clip_sigma";
    case NormaliseKind::kRescale:
      return "rescale";
    case NormaliseKind::kLinear:
      return "linear";
    case NormaliseKind::kSqrt:
      return "sqrt";
    case NormaliseKind::kLog1p:
      return "log1p";
    case NormaliseKind::kTanh:
      return "tanh";
  }
  return "?";
}

std::string stepText(const NormaliseStep& step, const char* name) {
  char text[96];
  std::snprintf(text, sizeof text, "%s(%.9g, %.9g)", name, step.a, step.b);
  return text;
}

void checkClip(const NormaliseStep& step, const char* name) {
  if (!(step.a < step.b) || !std::isfinite(step.a) || !std::isfinite(step.b)) {
    throw OtfError(Code::kDetectorConfig,
                   stepText(step, name) + ": the first limit must be below the second");
  }
  if (step.kind == NormaliseKind::kClip && !(static_cast<float>(step.a) < static_cast<float>(step.b))) {
    throw OtfError(Code::kDetectorConfig,
                   stepText(step, name) + ": the limits are too close for 32-bit pixels");
  }
  if (step.kind == NormaliseKind::kClipPercentile && !(step.a >= 0 && step.b <= 100)) {
    throw OtfError(Code::kDetectorConfig, stepText(step, name) + ": percentiles are within 0..100");
  }
}

void addClip(NormalisePlan& plan, const NormaliseStep& step, const PixelPass& pass) {
  std::pair<double, double> limits{step.a, step.b};
  if (step.kind == NormaliseKind::kClipPercentile) limits = percentileLimits(step, after(plan, pass));
  if (step.kind == NormaliseKind::kClipSigma) limits = sigmaLimits(step, after(plan, pass));
  const auto low = static_cast<float>(limits.first), high = static_cast<float>(limits.second);
  if (!(low < high)) {
    char value[32];
    std::snprintf(value, sizeof value, "%.9g", limits.first);
    throw OtfError(Code::kImageBlank,
                   stepText(step, stepName(step.kind)) + ": both limits are " + value +
                       " in this region: too many of its pixels are equal (choose a region of "
                       "interest)");
  }
  plan.operations.push_back({Kind::kClip, low, high});
  plan.clipLimits.push_back(limits);
}

void addRescale(NormalisePlan& plan) {
  const auto [low, high] = plan.clipLimits.back();
  plan.operations.push_back({Kind::kRescale, static_cast<float>(low), static_cast<float>(high - low)});
}

void addFactor(NormalisePlan& plan, Kind kind, const NormaliseStep& step) {
  plan.operations.push_back({kind, static_cast<float>(step.a), 0});
}

}  // namespace

void checkNormalisation(std::span<const NormaliseStep> steps) {
  bool clipped = false;
  for (const NormaliseStep& step : steps) {
    switch (step.kind) {
      case NormaliseKind::kClip:
      case NormaliseKind::kClipPercentile:
      case NormaliseKind::kClipSigma:
        checkClip(step, stepName(step.kind));
        clipped = true;
        break;
      case NormaliseKind::kRescale:
        if (!clipped) throw OtfError(Code::kDetectorConfig, "normalisation: rescale needs a clip before it");
        break;
      default:
        if (!std::isfinite(static_cast<float>(step.a))) {
          throw OtfError(Code::kDetectorConfig, std::string("normalisation: the factor of ") +
                                                    stepName(step.kind) + " must be a finite 32-bit number");
        }
    }
  }
}

bool readsImage(std::span<const NormaliseStep> steps) {
  return std::any_of(steps.begin(), steps.end(), [](const NormaliseStep& step) {
    return step.kind == NormaliseKind::kClipPercentile || step.kind == NormaliseKind::kClipSigma;
  });
}

NormalisePlan resolveNormalisation(std::span<const NormaliseStep> steps, const PixelPass& pass) {
  checkNormalisation(steps);
  NormalisePlan plan;
  for (const NormaliseStep& step : steps) {
    switch (step.kind) {
      case NormaliseKind::kClip:
      case NormaliseKind::kClipPercentile:
      case NormaliseKind::kClipSigma:
        addClip(plan, step, pass);
        break;
      case NormaliseKind::kRescale:
        addRescale(plan);
        break;
      case NormaliseKind::kLinear:
        addFactor(plan, Kind::kScale, step);
        break;
      case NormaliseKind::kSqrt:
        addFactor(plan, Kind::kSqrt, step);
        break;
      case NormaliseKind::kLog1p:
        addFactor(plan, Kind::kLog1p, step);
        break;
      case NormaliseKind::kTanh:
        addFactor(plan, Kind::kTanh, step);
        break;
    }
  }
  return plan;
}

}  // namespace otf
