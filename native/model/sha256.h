// SHA-256: FIPS 180-4.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace otf {

/// 64 lower-case hexadecimal digits.
std::string sha256Hex(std::span<const std::byte> bytes);

}  // namespace otf
