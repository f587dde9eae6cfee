#include "engine/narrow/quantised.h"

#include <algorithm>
#include <cmath>

#include "engine/narrow/bytes.h"
#include "engine/narrow/weights.h"

namespace otf::narrow {
namespace {

constexpr float kMost = 255.0F;

OTF_AVX512 __m512 sixteen(const char* from, int index, strips::Values values, __mmask16 mask) {
  if (values == strips::Values::kFloat)
    return _mm512_maskz_loadu_ps(mask, reinterpret_cast<const float*>(from) + index);
  const __m256i narrow = _mm256_maskz_loadu_epi16(mask, reinterpret_cast<const uint16_t*>(from) + index);
  return (__m512)_mm512_maskz_slli_epi32(0xffff, _mm512_maskz_cvtepu16_epi32(0xffff, narrow), 16);
}

}  // namespace

Quantised::Quantised(std::span<const float> low, std::span<const float> high) {
  const size_t padded = (low.size() + 2 * kTileRows - 1) / (2 * kTileRows) * (2 * kTileRows);
  inverse.assign(padded, 0.0F);
  zeros.assign(padded, 0.0F);
  for (size_t c = 0; c < low.size(); ++c) {
    const float least = std::min(low[c], 0.0F);
    const float width = std::max(high[c], 0.0F) - least;
    // Of a channel that is always 0 any scale is right.
    const float step = width > 0 ? width / kMost : 1.0F;
    scale.push_back(step);
    zero.push_back(static_cast<uint8_t>(std::nearbyint(std::min(kMost, -least / step))));
    inverse[c] = 1.0F / step;
    zeros[c] = static_cast<float>(zero.back());
  }
}

OTF_AVX512 void quantise(const Quantised& how, const char* from, strips::Values values, int pixels,
                         char* to) {
  const int channels = how.channels();
  const int64_t pixel = channels * strips::bytesOf(values);
  for (int p = 0; p < pixels; ++p, from += pixel, to += channels) {
    for (int c = 0; c < channels; c += 2 * avx512::kFloats) {
      const __mmask16 lowMask = avx512::firstOf(channels - c);
      const __mmask16 highMask = avx512::firstOf(std::max(0, channels - c - avx512::kFloats));
      const __m512 low = sixteen(from, c, values, lowMask);
      const __m512 high = sixteen(from, c + avx512::kFloats, values, highMask);
      const auto mask = static_cast<__mmask32>(lowMask | uint32_t{highMask} << 16U);
      _mm256_mask_storeu_epi8(to + c, mask,
                              bytesFrom(low, high, how.inverse.data() + c, how.zeros.data() + c));
    }
  }
}

}  // namespace otf::narrow
