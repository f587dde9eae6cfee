#include <algorithm>
#include <cstdint>
#include <cstring>

#include "engine/roofline/rates.h"
#include "tensor/clones.h"
#include "timing/stopwatch.h"

namespace otf::roofline {
namespace {

constexpr int kTries = 3;
constexpr double kLeastBytes = 8 << 20;  // a measurement: some hundred microseconds at least
volatile uint64_t sink;                  // results are used, or the compiler would not compute them

// Sixteen sums, so that no addition waits for the one before; the compiler makes vectors of them.
OTF_CLONES void read(const void* from, int64_t bytes) {
  const auto* words = static_cast<const uint64_t*>(from);
  uint64_t sums[16] = {};
  const int64_t count = bytes / static_cast<int64_t>(sizeof(uint64_t)) / 16 * 16;
  for (int64_t i = 0; i < count; i += 16)
    for (int k = 0; k < 16; ++k) sums[k] += words[i + k];
  for (int k = 1; k < 16; ++k) sums[0] += sums[k];
  sink = sums[0];
}

template <typename Transfer>
double fastest(int64_t bytes, Transfer transfer) {
  const auto repeats = static_cast<int>(std::max(1.0, kLeastBytes / static_cast<double>(bytes)));
  double best = 0;
  for (int i = 0; i < kTries; ++i) {
    const Stopwatch watch;
    for (int r = 0; r < repeats; ++r) transfer();
    best = std::max(best, static_cast<double>(bytes) * repeats / watch.seconds());
  }
  return best;
}

}  // namespace

double transferRate(void* a, void* b, int64_t bytes) {
  const auto size = static_cast<size_t>(bytes);
  const double reading = fastest(bytes, [&] { read(a, bytes); });
  const double writing = fastest(bytes, [&] { std::memset(b, 1, size); });
  const double copying = fastest(2 * bytes, [&] { std::memcpy(b, a, size); });
  return std::max({reading, writing, copying});
}

}  // namespace otf::roofline
