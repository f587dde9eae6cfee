// A gzip stream, without keeping what is in it.
// Source: RFC 1952; the inflation is zlib's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace otf::fits {

/// Bytes that the first member of the stream holds; -1 when it does not end, is damaged, or holds more than `most`.
int64_t gzipStreamBytes(std::span<const unsigned char> stream, int64_t most);

/// The first member's bytes to `out`. False when they are not exactly as many, or the stream is damaged.
bool gunzip(std::span<const unsigned char> stream, std::span<std::byte> out);

}  // namespace otf::fits
