#include "engine/dropout.h"

namespace otf {
namespace {

// SplitMix64's finaliser: every input bit flips half of the output bits.
uint64_t mix(uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

}  // namespace

DropoutMask::DropoutMask(uint64_t seed, uint64_t item, uint32_t repeat, uint32_t layer, float rate)
    : key_(mix(mix(seed + item + 0x9e3779b97f4a7c15ULL) ^ (uint64_t{repeat} << 32 | layer))),
      threshold_(threshold(rate)) {}

bool DropoutMask::keeps(uint64_t element) const {
  return mix(key_ + element * 0x9e3779b97f4a7c15ULL) >> 11 >= threshold_;
}

}  // namespace otf
