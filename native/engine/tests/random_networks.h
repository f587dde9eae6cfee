// Networks drawn at random: every layer type, one to three dimensions.
#pragma once

#include <random>
#include <string>

#include "model/network.h"

namespace otf::test {

/// Fixed seeds, printed with every failure.
class Draw {
 public:
  explicit Draw(uint32_t seed) : generator_(seed) {}
  int between(int low, int high) {
    return low + static_cast<int>(generator_() % static_cast<uint32_t>(high - low + 1));
  }
  bool chance(int percent) { return between(0, 99) < percent; }
  float real() { return static_cast<float>(generator_() % 20001) / 10000.0F - 1.0F; }

 private:
  std::mt19937 generator_;
};

/// The same seed and draw give the same network. May be empty: what does not fit is left out.
Network drawNetwork(uint32_t seed, Draw& draw);
/// Its layers, for who has to find out what was special about it.
std::string text(const Network& network);

}  // namespace otf::test
