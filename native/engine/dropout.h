// MC_MODEL dropout masks, the same for every engine. Source: CIANNA dropout_select_conv: a value stays when a
// uniform draw is >= rate, and is not rescaled.
#pragma once

#include <cstdint>

namespace otf {

/// Masks come from a hash of their coordinates, not from a stream: they depend neither on threads nor on batching.
class DropoutMask {
 public:
  /// `item` counts from the call's seed: item i of seed s is item 0 of seed s + i.
  DropoutMask(uint64_t seed, uint64_t item, uint32_t repeat, uint32_t layer, float rate);
  /// `element`: index in the item's C,D,H,W order.
  bool keeps(uint64_t element) const;
  /// The top 53 bits of an element's hash that are below this drop it.
  static uint64_t threshold(float rate) {
    return static_cast<uint64_t>(static_cast<double>(rate) * 0x1.0p53);
  }

 private:
  uint64_t key_;
  uint64_t threshold_;
};

}  // namespace otf
