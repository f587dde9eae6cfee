// Forward passes under way at once: answered in the order they were asked for, errors among them.
#include "engine/host/forwards.h"

#include <atomic>
#include <stdexcept>
#include <vector>

#include "engine/tests/check.h"

using otf::host::Forwards;

TEST_CASE("passes overlap as far as allowed and are answered in their order, failures too") {
  constexpr int kPasses = 100;
  std::atomic<int> running{0};
  std::atomic<int> most{0};
  std::vector<int> order;  // by the one thread that answers
  bool negative = false;
  {
    Forwards forwards(2);
    for (int i = 0; i < kPasses; ++i) {
      forwards.add(
          [&, i] {
            const int now = ++running;
            for (int seen = most; now > seen && !most.compare_exchange_weak(seen, now);) {
            }
            // Every other pass is the quicker one of two.
            std::this_thread::sleep_for(std::chrono::microseconds(i % 2 == 0 ? 2000 : 100));
            --running;
            if (i % 10 == 3) throw std::runtime_error("pass");
          },
          [&, i](double seconds) {
            order.push_back(i);
            negative = negative || seconds < 0;
          },
          [&, i](const std::exception_ptr&) { order.push_back(-i); });
      if (i == kPasses / 2) {
        forwards.drain();
        CHECK(order.size() == static_cast<size_t>(i) + 1);
      }
    }
  }
  CHECK(most == 2);
  CHECK_FALSE(negative);
  REQUIRE(order.size() == kPasses);
  for (int i = 0; i < kPasses; ++i) CHECK(order[static_cast<size_t>(i)] == (i % 10 == 3 ? -i : i));
}
