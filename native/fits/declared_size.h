// Sizes as a header declares them, held to what the FITS Standard allows (4.0, sections 4.4.1.1 and 4.4.2.5); their
// products do not overflow.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "fits/header_cards.h"

namespace otf::fits {

/// No axis is longer.
constexpr int64_t kMaxAxisPx = int64_t{1} << 40;

/// Products stop here: 99 axes of 2^40 pixels overflow even 128 bits.
constexpr unsigned __int128 kTooLarge = static_cast<unsigned __int128>(1) << 100;
unsigned __int128 times(unsigned __int128 a, unsigned __int128 b);
std::string decimal(unsigned __int128 number);

/// "NAXIS", 2 -> "NAXIS2".
std::string indexed(const char* name, size_t n);

/// The values of `axis`1..n, where n, at most `most`, is that of `count`. Throws kFitsUnreadable.
std::vector<int64_t> readAxes(const HeaderCards& cards, const char* count, const char* axis, int64_t most);

/// Throws kFitsUnreadable for what is no FITS data type.
int readBitpix(const HeaderCards& cards, const char* keyword);

}  // namespace otf::fits
