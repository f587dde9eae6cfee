// Streams that are cut: what the guards say of them before a decoder sees them.
#include <doctest/doctest.h>
#include <fitsio.h>
#include <zlib.h>

#include <random>
#include <vector>

#include "reader/gzip_stream.h"
#include "reader/hcompress_stream.h"
#include "reader/rice_stream.h"

namespace otf {
namespace {

using Stream = std::vector<unsigned char>;

Stream gzipOf(const Stream& bytes) {
  z_stream state{};
  REQUIRE(::deflateInit2(&state, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  Stream out(::deflateBound(&state, bytes.size()));
  state.next_in = const_cast<unsigned char*>(bytes.data());
  state.avail_in = static_cast<uInt>(bytes.size());
  state.next_out = out.data();
  state.avail_out = static_cast<uInt>(out.size());
  REQUIRE(::deflate(&state, Z_FINISH) == Z_STREAM_END);
  out.resize(state.total_out);
  ::deflateEnd(&state);
  return out;
}

TEST_CASE("Rice streams are measured before they are decoded") {
  // First value 0 (4 bytes), then a block selector of 0 = "all equal": 5 bits.
  CHECK(fits::riceStreamIsComplete(std::vector<unsigned char>{0, 0, 0, 0, 0}, 32, 32, 4));
  CHECK_FALSE(fits::riceStreamIsComplete(std::vector<unsigned char>{0, 0, 0, 0}, 32, 32, 4));
  CHECK_FALSE(fits::riceStreamIsComplete(std::vector<unsigned char>{}, 32, 32, 1));
  // Selector 1 (one split bit less: unary only), then zeros that never end.
  CHECK_FALSE(fits::riceStreamIsComplete(std::vector<unsigned char>{0, 0, 0, 0, 0x08, 0, 0, 0}, 4, 32, 4));
  // The same with four codes of one bit each.
  CHECK(fits::riceStreamIsComplete(std::vector<unsigned char>{0, 0, 0, 0, 0x0f, 0x80}, 4, 32, 4));
}

TEST_CASE("a gzip stream is as long as it says, or it is none") {
  Stream bytes(100'000);
  std::mt19937 random(1);
  for (unsigned char& byte : bytes) byte = static_cast<unsigned char>(random() % 7);
  const Stream whole = gzipOf(bytes);
  CHECK(fits::gzipStreamBytes(whole, 100'000) == 100'000);
  CHECK(fits::gzipStreamBytes(whole, 99'999) == -1);
  CHECK(fits::gzipStreamBytes(gzipOf({}), 0) == 0);
  for (size_t length = 0; length < whole.size(); length += length < 300 ? 1 : 97) {
    CAPTURE(length);
    CHECK(fits::gzipStreamBytes(std::span(whole).first(length), 200'000) == -1);
  }
  Stream longer = whole;
  longer.resize(longer.size() + 5);  // what stands behind the stream does not count
  CHECK(fits::gzipStreamBytes(longer, 200'000) == 100'000);
  Stream damaged = whole;
  damaged[damaged.size() / 2] ^= 0x40;
  CHECK(fits::gzipStreamBytes(damaged, 200'000) == -1);
}

TEST_CASE("an HCOMPRESS stream is followed to its last bit") {
  struct Case {
    int nx, ny, scale, noise;
  };
  std::mt19937 random(2);
  for (const Case& c : {Case{16, 16, 0, 100}, Case{5, 4, 0, 1000}, Case{31, 17, 0, 8}, Case{17, 64, 4, 3000},
                        Case{64, 2, 0, 50}, Case{33, 33, 0, 1}, Case{16, 16, 0, 1 << 20}}) {
    CAPTURE(c.nx);
    CAPTURE(c.ny);
    std::vector<int> pixels(static_cast<size_t>(c.nx * c.ny));
    for (int& pixel : pixels)
      pixel = static_cast<int>(random() % static_cast<unsigned>(c.noise)) - c.noise / 3;
    Stream stream(pixels.size() * 8 + 1000);
    long bytes = static_cast<long>(stream.size());
    int status = 0;
    fits_hcompress(pixels.data(), c.ny, c.nx, c.scale, reinterpret_cast<char*>(stream.data()), &bytes,
                   &status);
    REQUIRE(status == 0);
    stream.resize(static_cast<size_t>(bytes));
    CHECK(fits::hcompressStreamIsComplete(stream, c.nx * c.ny, 31));
    CHECK_FALSE(fits::hcompressStreamIsComplete(stream, c.nx * c.ny + 1, 31));
    for (size_t length = 0; length < stream.size(); ++length) {
      CAPTURE(length);
      CHECK_FALSE(fits::hcompressStreamIsComplete(std::span(stream).first(length), c.nx * c.ny, 31));
    }
    // A decoder that would need more than what is there must be told: nothing that is said to be complete ends later.
    for (int round = 0; round < 300; ++round) {
      Stream changed = stream;
      changed[25 + random() % (changed.size() - 25)] ^= static_cast<unsigned char>(1U << random() % 8);
      if (fits::hcompressStreamIsComplete(changed, c.nx * c.ny, 31)) {
        std::vector<int> out(pixels.size() *
                             2);  // on the heap at its exact size: the sanitizers see a byte too far
        Stream exact(changed.begin(), changed.end());
        int ny = 0, nx = 0, scale = 0, failed = 0;
        fits_hdecompress(exact.data(), 0, out.data(), &ny, &nx, &scale, &failed);
      }
    }
  }
}

}  // namespace
}  // namespace otf
