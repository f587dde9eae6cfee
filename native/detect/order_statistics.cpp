#include "detect/order_statistics.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "error/error.h"

namespace otf {
namespace {

constexpr size_t kBins = 65536;
using Histogram = std::vector<int64_t>;

/// Bits in the order of the values: negative floats are reversed, positive ones come after them.
uint32_t orderedBits(float x) {
  const uint32_t bits = std::bit_cast<uint32_t>(x);
  return bits ^ ((bits >> 31) != 0 ? 0xFFFFFFFFU : 0x80000000U);
}

float fromOrderedBits(uint32_t ordered) {
  return std::bit_cast<float>(ordered ^ ((ordered >> 31) != 0 ? 0x80000000U : 0xFFFFFFFFU));
}

/// The bin that holds the value of `rank`; `rank` becomes the rank inside it.
uint32_t findBin(const Histogram& histogram, int64_t& rank) {
  uint32_t bin = 0;
  while (rank >= histogram[bin]) rank -= histogram[bin++];
  return bin;
}

Histogram countHighHalves(const PixelPass& pass) {
  Histogram histogram(kBins, 0);
  pass([&](std::span<const float> values) {
    for (const float x : values) {
      if (std::isfinite(x)) ++histogram[orderedBits(x) >> 16];
    }
  });
  return histogram;
}

/// Per high half asked for, how often each low half occurs.
std::vector<Histogram> countLowHalves(const PixelPass& pass, std::span<const uint32_t> highHalves) {
  std::vector<int8_t> slotOf(kBins, -1);
  for (size_t i = 0; i < highHalves.size(); ++i) slotOf[highHalves[i]] = static_cast<int8_t>(i);
  std::vector<Histogram> histograms(highHalves.size(), Histogram(kBins, 0));
  pass([&](std::span<const float> values) {
    for (const float x : values) {
      const uint32_t ordered = orderedBits(x);
      const int8_t slot = slotOf[ordered >> 16];
      if (slot >= 0 && std::isfinite(x)) ++histograms[static_cast<size_t>(slot)][ordered & 0xFFFFU];
    }
  });
  return histograms;
}

struct Wanted {
  int64_t rank = 0;  // in the whole, then in its bin
  uint32_t high = 0;
};

}  // namespace

std::vector<double> exactPercentiles(const PixelPass& pass, std::span<const double> percentiles) {
  const Histogram coarse = countHighHalves(pass);
  int64_t n = 0;
  for (const int64_t count : coarse) n += count;
  if (n == 0) return {};

  std::vector<Wanted> wanted;
  std::vector<double> weights;
  for (const double percentile : percentiles) {
    const double position = percentile / 100 * static_cast<double>(n - 1);
    const int64_t low = std::clamp<int64_t>(static_cast<int64_t>(position), 0, n - 1);
    wanted.push_back({low});
    wanted.push_back({std::min(low + 1, n - 1)});
    weights.push_back(position - static_cast<double>(low));
  }
  std::vector<uint32_t> bins;
  for (Wanted& w : wanted) bins.push_back(w.high = findBin(coarse, w.rank));
  std::sort(bins.begin(), bins.end());
  bins.erase(std::unique(bins.begin(), bins.end()), bins.end());

  const std::vector<Histogram> fine = countLowHalves(pass, bins);
  std::vector<double> found;
  for (Wanted& w : wanted) {
    const auto slot = static_cast<size_t>(std::lower_bound(bins.begin(), bins.end(), w.high) - bins.begin());
    int64_t inBin = 0;
    for (const int64_t count : fine[slot]) inBin += count;
    if (w.rank >= inBin)
      throw OtfError(Code::kInternal, "the image changed while its percentiles were computed");
    found.push_back(fromOrderedBits((w.high << 16) | findBin(fine[slot], w.rank)));
  }
  std::vector<double> result;
  for (size_t i = 0; i < weights.size(); ++i) {
    result.push_back(found[2 * i] + weights[i] * (found[2 * i + 1] - found[2 * i]));
  }
  return result;
}

}  // namespace otf
