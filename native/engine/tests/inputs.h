// What the engine's tests feed: a small network, values as normalised tiles have them, two threads.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/engine.h"
#include "model/architectures.h"

namespace otf::test {

inline std::shared_ptr<const Network> demo() {
  return std::make_shared<Network>(buildArchitecture("demo", 3));
}

/// Different in every value, and with every seed.
inline std::vector<float> ramp(int64_t count, int seed = 0) {
  std::vector<float> x(static_cast<size_t>(count));
  for (size_t i = 0; i < x.size(); ++i)
    x[i] = static_cast<float>((i * 7919 + static_cast<size_t>(seed) * 104729) % 1000) / 1000.0F;
  return x;
}

/// Values between -scale/2 and scale/2, the same in every run.
class Draws {
 public:
  std::vector<float> operator()(int64_t count, float scale) {
    std::vector<float> values(static_cast<size_t>(count));
    for (float& value : values) {
      state_ = state_ * 1664525U + 1013904223U;
      value = scale * (static_cast<float>(state_ >> 8) / 16777216.0F - 0.5F);
    }
    return values;
  }

 private:
  uint32_t state_ = 1;
};

inline EngineOptions twoThreads() {
  EngineOptions options;
  options.threads = 2;
  return options;
}

}  // namespace otf::test
