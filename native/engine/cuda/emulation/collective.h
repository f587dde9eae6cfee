// How lanes of a warp meet.
#pragma once

#include <array>
#include <cstddef>

namespace otf::emulation {

constexpr size_t kLanes = 32;

/// Each lane brings an operand; when all have come, the last one acts for all. `kind`: which collective it is.
void together(const void* kind, void* operand, void (*act)(const std::array<void*, kLanes>&));

}  // namespace otf::emulation
