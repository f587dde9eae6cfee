// What multiplies narrow values.
#pragma once

#include <cstdint>

namespace otf {

/// AMX, or vectors of AVX-512 with instructions for bfloat16 or bytes (VNNI).
enum class Unit : uint8_t { kAmx, kVectors };

}  // namespace otf
