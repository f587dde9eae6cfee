#include "preview/zscale.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

using namespace otf::preview;

namespace {

/// Sums of twelve uniform numbers, every `bright`-th pixel a source: the same as in the script behind kAstropy.
std::vector<float> noisy(int count, int64_t seed, int bright) {
  std::vector<float> values;
  for (int i = 0; i < count; ++i) {
    double sum = 0;
    for (int k = 0; k < 12; ++k) {
      seed = seed * 48271 % 2147483647;
      sum += static_cast<double>(seed) / 2147483647;
    }
    values.push_back(i % bright == 0 ? static_cast<float>(50 + i % 97) : static_cast<float>(sum - 6));
  }
  std::sort(values.begin(), values.end());
  return values;
}

struct Case {
  int count;
  int64_t seed;
  int bright;
  double low, high;
};

/// astropy 5.2.1, ZScaleInterval().get_limits.
constexpr std::array<Case, 7> kAstropy = {{{1000, 1, 9, -2.62780404, 7.46161315},
                                           {1000, 2, 40, -3.29263496, 6.16226539},
                                           {999, 3, 13, -3.07470989, 6.60938406},
                                           {500, 4, 3, -2.82883477, 146},
                                           {50, 5, 10, -2.57648444, 9.23117684},
                                           {7, 6, 3, -0.638035774, 56},
                                           {4, 7, 100, -0.877366602, 50}}};

}  // namespace

TEST_CASE("zscale is astropy's") {
  for (const Case& each : kAstropy) {
    CAPTURE(each.seed);
    const auto cuts = zscale(noisy(each.count, each.seed, each.bright));
    REQUIRE(cuts.has_value());
    CHECK(cuts->low == doctest::Approx(each.low).epsilon(1e-6));
    CHECK(cuts->high == doctest::Approx(each.high).epsilon(1e-6));
  }
  CHECK(!zscale({}).has_value());
  const std::vector<float> flat(100, 3);
  CHECK(zscale(flat)->low == 3);
  CHECK(zscale(flat)->high == 3);
}

TEST_CASE("quantiles lie on straight lines between the values, as numpy's") {
  const std::vector<float> values = {1, 2, 4, 8};
  CHECK(quantile(values, 0) == 1);
  CHECK(quantile(values, 1) == 8);
  CHECK(quantile(values, 0.5) == 3);
  CHECK(quantile(values, 0.9) == doctest::Approx(6.8));
  CHECK(quantile(std::vector<float>{7}, 0.3) == 7);
}
