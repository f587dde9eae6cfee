#include "simulate/cube/light_curve.h"

#include <array>
#include <cmath>
#include <utility>

namespace otf::simulate {
namespace {

constexpr std::array<std::pair<CurveShape, std::string_view>, 9> kNames{{
    {CurveShape::kSteady, "steady"},
    {CurveShape::kGate, "gate"},
    {CurveShape::kStepOn, "step-on"},
    {CurveShape::kStepOff, "step-off"},
    {CurveShape::kGaussian, "gaussian"},
    {CurveShape::kDecay, "decay"},
    {CurveShape::kSkewed, "skewed"},
    {CurveShape::kPulses, "pulses"},
    {CurveShape::kPower, "power"},
}};

double gaussian(double x) { return std::exp(-0.5 * x * x); }

}  // namespace

std::string_view curveName(CurveShape shape) { return kNames[static_cast<size_t>(shape)].second; }

std::optional<CurveShape> parseCurve(std::string_view name) {
  for (const auto& [shape, text] : kNames) {
    if (text == name) return shape;
  }
  return std::nullopt;
}

double curveAt(CurveShape shape, double t, double t0, double tau) {
  switch (shape) {
    case CurveShape::kSteady:
      return 1;
    case CurveShape::kGate:
      return std::abs(t - t0) <= tau ? 1 : 0;
    case CurveShape::kStepOn:
      return t >= t0 ? 1 : 0;
    case CurveShape::kStepOff:
      return t < t0 ? 1 : 0;
    case CurveShape::kGaussian:
      return gaussian((t - t0) / tau);
    case CurveShape::kDecay:
      return t >= t0 ? std::exp(-(t - std::ceil(t0)) / tau) : 0;
    case CurveShape::kSkewed:
      return gaussian((t - t0) / (t < t0 ? tau / 2 : 2 * tau));
    case CurveShape::kPulses: {
      const double period = 4 * tau, phase = std::fmod(t - t0, period);
      return (phase < 0 ? phase + period : phase) < tau ? 1 : 0;
    }
    case CurveShape::kPower:
      return t >= t0 ? std::pow(1 + (t - std::ceil(t0)) / tau, -1.5) : 0;
  }
  return 0;
}

std::vector<double> lightCurve(CurveShape shape, int frames, double t0, double tau, double peak) {
  std::vector<double> out(static_cast<size_t>(frames));
  for (int t = 0; t < frames; ++t) out[static_cast<size_t>(t)] = peak * curveAt(shape, t, t0, tau);
  return out;
}

}  // namespace otf::simulate
