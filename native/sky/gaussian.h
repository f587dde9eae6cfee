// Of Gaussians, as beams and sources are.
#pragma once

namespace otf {

/// 2 sqrt(2 ln 2).
constexpr double kFwhmPerSigma = 2.3548200450309493;

}  // namespace otf
