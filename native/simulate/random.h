// Random numbers addressed by counter, so that any thread can make any part of a field.
#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>

namespace otf::simulate {

/// SplitMix64's finaliser (Steele, Lea & Flood 2014) over key and counter.
inline uint64_t mix(uint64_t key, uint64_t counter) {
  uint64_t z = key + 0x9e3779b97f4a7c15ULL * (counter + 1);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

/// (0,1): 2^-54 at least, so that its logarithm is finite.
inline double uniform(uint64_t bits) { return (static_cast<double>(bits >> 11) + 0.5) * 0x1.0p-53; }

struct NormalPair {
  float a, b;
};

/// Two standard normal deviates (Box & Muller 1958) from 40 bits of radius and 24 of angle: tails end at 7.5 sigma.
inline NormalPair normals(uint64_t bits) {
  const float coarse = static_cast<float>(bits >> 40) * 0x1.0p-24F;
  const float fine = (static_cast<float>(bits >> 24 & 0xffff) + 0.5F) * 0x1.0p-40F;
  const float radius = std::sqrt(-2 * std::log(coarse + fine));
  const float angle = static_cast<float>(bits & 0xffffff) * (2 * std::numbers::pi_v<float> * 0x1.0p-24F);
  return {radius * std::cos(angle), radius * std::sin(angle)};
}

}  // namespace otf::simulate
