// The shape of a Rice-compressed stream, without its values.
// Source: FITS Standard 4.0, 10.4.1; White, Greenfield, Pence, Tody (1999).
#pragma once

#include <cstdint>
#include <span>

namespace otf::fits {

/// True when decoding `pixels` values in blocks of `blockPx` ends within the bytes given, so that a decoder
/// that only checks between blocks stays inside them. bytesPerPixel: 1, 2, anything else = 4 (as CFITSIO).
bool riceStreamIsComplete(std::span<const unsigned char> stream, int64_t pixels, int64_t blockPx,
                          int64_t bytesPerPixel);

}  // namespace otf::fits
