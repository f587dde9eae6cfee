// The shape of an HCOMPRESS stream, without its values.
// Source: FITS Standard 4.0, 10.4.4; White, Postman, Lattanzi (1992); the coding as CFITSIO reads it.
#pragma once

#include <cstdint>
#include <span>

namespace otf::fits {

/// True when the stream is one of `pixels` pixels and decoding it ends within the bytes given: CFITSIO's decoder reads on
/// behind them. `mostPlanes`: bits of the integers it is decoded to, less the sign.
bool hcompressStreamIsComplete(std::span<const unsigned char> stream, int64_t pixels, int mostPlanes);

}  // namespace otf::fits
