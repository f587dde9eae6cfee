// What follows a convolution's sums: CIANNA's RELU, without branches.
#pragma once

namespace otf {

/// min(max(x, leak*x), leak*x + gap): CIANNA's RELU when 0 <= leak <= 1, gap = (1-leak)*saturation > 0; leak 1 with an
/// infinite gap changes nothing. NaN stays NaN.
struct Epilogue {
  float leak = 1.0F;
  float gap = __builtin_huge_valf();
};

}  // namespace otf
