// Any bytes are a gzip stream or none. What is counted is what comes out: no more than was allowed, to the byte, and the same
// each time.
#include <zlib.h>

#include <vector>

#include "fuzz/support.h"
#include "reader/gzip_stream.h"

namespace {

using namespace otf;
using fuzz::require;

constexpr int64_t kMost = int64_t{1} << 22;

std::string packed(const std::string& text, int level) {
  z_stream state{};
  require(::deflateInit2(&state, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK,
          "memory for zlib");
  std::string out(::deflateBound(&state, text.size()) + 32, '\0');
  state.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  state.avail_in = static_cast<uInt>(text.size());
  state.next_out = reinterpret_cast<Bytef*>(out.data());
  state.avail_out = static_cast<uInt>(out.size());
  require(::deflate(&state, Z_FINISH) == Z_STREAM_END, "room for what is packed");
  out.resize(state.total_out);
  ::deflateEnd(&state);
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  const std::string words = "SIMPLE  =                    T / a header, and another one";
  fuzz::writeSeed("nothing", packed("", 6));
  fuzz::writeSeed("words", packed(words, 9));
  fuzz::writeSeed("stored", packed(words, 0));
  fuzz::writeSeed("blank", packed(std::string(100'000, ' '), 6));
  fuzz::writeSeed("two", packed(words, 6) + packed(words, 1));
  fuzz::writeSeed("cut", packed(words, 6).substr(0, 30));
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::span stream(data, size);
  const int64_t bytes = fits::gzipStreamBytes(stream, kMost);
  require(bytes >= -1 && bytes <= kMost, "no more is counted than was allowed");
  if (bytes < 0) return 0;
  require(fits::gzipStreamBytes(stream, bytes) == bytes, "as many as were allowed are counted");
  if (bytes > 0) require(fits::gzipStreamBytes(stream, bytes - 1) == -1, "one less is not enough");
  std::vector<std::byte> out(static_cast<size_t>(bytes)), again(static_cast<size_t>(bytes) + 1);
  require(fits::gunzip(stream, out), "what was counted is there");
  require(!fits::gunzip(stream, again), "and no byte more");
  if (bytes > 0) require(!fits::gunzip(stream, std::span(out).first(out.size() - 1)), "nor fits into less");
  return 0;
}
