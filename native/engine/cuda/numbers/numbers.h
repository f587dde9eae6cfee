// The GPU's number types on the CPU: 16-bit ones as their bits, rounded to nearest, ties to even; tf32 as a float,
// ties away from zero (PTX cvt.rna).
#pragma once

#include <cstdint>

namespace otf::cuda {

uint16_t halfBits(float value);
float halfValue(uint16_t bits);
uint16_t bfloatBits(float value);
float bfloatValue(uint16_t bits);
float tf32Value(float value);

}  // namespace otf::cuda
