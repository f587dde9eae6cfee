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

}  // namespace

int64_t gzipStreamBytes(std::span<const unsigned char> stream, int64_t most) {
  constexpr size_t kMostInput = std::numeric_limits<uInt>::max();
  Inflater inflater;
  z_stream& state = inflater.state();
  std::array<unsigned char, 32768> sink;
  int64_t bytes = 0;
  size_t given = 0;
  while (true) {
    if (state.avail_in == 0 && given < stream.size()) {
      const size_t part = std::min(stream.size() - given, kMostInput);
      state.next_in = const_cast<unsigned char*>(stream.data() + given);
      state.avail_in = static_cast<uInt>(part);
      given += part;
    }
    state.next_out = sink.data();
    state.avail_out = sink.size();
    const int result = ::inflate(&state, Z_NO_FLUSH);
    const int64_t made = static_cast<int64_t>(sink.size() - state.avail_out);
    bytes += made;
    if (bytes > most) return -1;
    if (result == Z_STREAM_END) return bytes;
    const bool moves = result == Z_OK && (made > 0 || state.avail_in > 0 || given < stream.size());
    if (!moves) return -1;
  }
}

}  // namespace otf::fits
