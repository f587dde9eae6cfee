// Caller's keywords into an output header.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "fits/fits.h"
#include "fits/output_file.h"

namespace otf::fits {

/// Integers as integers, numbers with 15 digits, text as a string (continued over cards when long).
/// Throws kInvalidArgument for a number FITS cannot hold (NaN, infinity).
void writeKeys(OutputFile& file, std::span<const FitsKey> keys);

/// FITS text is printable ASCII (FITS Standard 4.0, 4.2.1.1): other letters of UTF-8 become \u00e9 and \U0001f52d, so that names
/// stay apart, and other bytes '?'.
std::string asciiText(std::string_view text);

}  // namespace otf::fits
