// A gzip stream, without keeping what is in it.
// Source: RFC 1952; the inflation is zlib's.
#pragma once

#include <cstdint>
#include <span>

namespace otf::fits {

/// Bytes that the first member of the stream holds; -1 when it does not end, is damaged, or holds more than `most`.
int64_t gzipStreamBytes(std::span<const unsigned char> stream, int64_t most);

}  // namespace otf::fits
