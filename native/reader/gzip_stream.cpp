#include "reader/gzip_stream.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <limits>

#include "error/error.h"

namespace otf::fits {
namespace {

constexpr int kGzipOnly = 15 + 16;  // zlib.h, inflateInit2: the largest window, and a gzip header

class Inflater {
 public:
  Inflater() {
    if (::inflateInit2(&state_, kGzipOnly) != Z_OK)
      throw OtfError(Code::kOutOfMemory, "not enough memory to look into a gzip stream");
  }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  ~Inflater() { ::inflateEnd(&state_); }
  z_stream& state() { return state_; }

 private:
  z_stream state_{};
};

/// Calls room(bytes made since the call before) for where the next bytes go; an empty answer ends it. True when the stream
/// has come to its end.
template <typename Room>
bool inflateTo(std::span<const unsigned char> stream, Room room) {
  constexpr size_t kMost = std::numeric_limits<uInt>::max();
  Inflater inflater;
  z_stream& state = inflater.state();
  size_t given = 0, made = 0;
  while (true) {
    if (state.avail_in == 0 && given < stream.size()) {
      const size_t part = std::min(stream.size() - given, kMost);
      state.next_in = const_cast<unsigned char*>(stream.data() + given);
      state.avail_in = static_cast<uInt>(part);
      given += part;
    }
    const std::span<std::byte> to = room(made);
    if (to.empty()) return false;
    const size_t space = std::min(to.size(), kMost);
    state.next_out = reinterpret_cast<unsigned char*>(to.data());
    state.avail_out = static_cast<uInt>(space);
    const int result = ::inflate(&state, Z_NO_FLUSH);
    made = space - state.avail_out;
    if (result == Z_STREAM_END) {
      room(made);
      return true;
    }
    const bool moves = result == Z_OK && (made > 0 || state.avail_in > 0 || given < stream.size());
    if (!moves) return false;
  }
}

}  // namespace

int64_t gzipStreamBytes(std::span<const unsigned char> stream, int64_t most) {
  std::array<std::byte, 32768> sink;
  int64_t bytes = 0;
  const bool complete = inflateTo(stream, [&](size_t made) {
    bytes += static_cast<int64_t>(made);
    return bytes <= most ? std::span<std::byte>(sink) : std::span<std::byte>();
  });
  return complete && bytes <= most ? bytes : -1;
}

bool gunzip(std::span<const unsigned char> stream, std::span<std::byte> out) {
  // One byte more than there is room for: a stream that goes on is seen by it.
  std::array<std::byte, 1> more{};
  size_t bytes = 0;
  const bool complete = inflateTo(stream, [&](size_t made) {
    bytes += made;
    if (bytes < out.size()) return out.subspan(bytes);
    return bytes == out.size() ? std::span<std::byte>(more) : std::span<std::byte>();
  });
  return complete && bytes == out.size();
}

}  // namespace otf::fits
