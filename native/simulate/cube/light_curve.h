// How the flux density of a simulated source goes with time.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

namespace otf::simulate {

enum class CurveShape { kSteady, kGate, kStepOn, kStepOff, kGaussian, kDecay, kSkewed, kPulses, kPower };

std::string_view curveName(CurveShape shape);  // "gate", "step-on", ...
std::optional<CurveShape> parseCurve(std::string_view name);

/// Value of the shape with peak 1 at frame `t` (frames, 0 = middle of the first).
///   steady    1
///   gate      1 where |t - t0| <= tau
///   step-on   1 from t0;  step-off  1 before t0
///   gaussian  exp(-(t - t0)^2 / (2 tau^2))
///   decay     from t0: exp(-(t - ceil(t0)) / tau)
///   skewed    a Gaussian of tau / 2 before t0 and 2 tau after
///   pulses    1 for tau in every 4 tau, beginning at t0
///   power     from t0: (1 + (t - ceil(t0)) / tau)^-1.5
double curveAt(CurveShape shape, double t, double t0, double tau);

std::vector<double> lightCurve(CurveShape shape, int frames, double t0, double tau, double peak);

}  // namespace otf::simulate
