// Frames are measured by several threads, and come one after the other.
#include <doctest/doctest.h>

#include <cstddef>
#include <stdexcept>
#include <utility>
#include <vector>

#include "threads/in_order.h"

using namespace otf;

TEST_CASE("pieces of several threads end in order, and none after one that fails") {
  for (const int threads : {1, 4}) {
    std::vector<int> made(50), ended;
    const auto make = [&](int i, int worker) {
      REQUIRE(worker < threads);
      made[size_t(i)] += 1;
    };
    inOrder(50, threads, make, [&](int i, int) { ended.push_back(i); });
    CHECK(made == std::vector<int>(50, 1));
    REQUIRE(ended.size() == 50);
    for (int i = 0; i < 50; ++i) CHECK(ended[size_t(i)] == i);
    // In the work of the 8th, and at the end of the 3rd.
    for (const auto& [last, failsAtEnd] : {std::pair{7, false}, {3, true}}) {
      ended.clear();
      const auto fail = [&](int i, bool isEnd) {
        if (i == last && isEnd == failsAtEnd) throw std::runtime_error("broken");
      };
      CHECK_THROWS_WITH(inOrder(
                            50, threads, [&](int i, int) { fail(i, false); },
                            [&](int i, int) {
                              fail(i, true);
                              ended.push_back(i);
                            }),
                        "broken");
      CHECK(ended.size() <= size_t(last));
      for (size_t i = 0; i < ended.size(); ++i) CHECK(ended[i] == int(i));
    }
  }
  inOrder(0, 4, [](int, int) { FAIL("nothing to do"); }, [](int, int) {});
}
