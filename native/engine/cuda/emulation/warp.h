// What the lanes of a warp do together, by the fragment layouts of the PTX manual (mma, ldmatrix), and copies
// that arrive when they are waited for (cp.async).
#pragma once

#include <cstdint>

namespace otf::emulation {

void loadMatrices(uint32_t (&fragments)[4], const void* row);

/// D += A*B. A: 16 rows of 32 bytes, B: 8 columns of 32 bytes, as registers.
enum class MmaType { kHalf, kBFloat, kTf32 };
void multiply(MmaType type, float (&sums)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1);

void copyAsync(void* shared, const void* global, bool valid);
void commitCopies();
/// Until at most `left` committed groups of this thread are under way.
void waitForCopies(int left);
void forgetCopies();

}  // namespace otf::emulation
