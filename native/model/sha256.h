// SHA-256: FIPS 180-4. Of its own, as no library that is here anyway has it: libcrypto would be one more to install and to pack.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace otf {

/// 64 lower-case hexadecimal digits.
std::string sha256Hex(std::span<const std::byte> bytes);

}  // namespace otf
