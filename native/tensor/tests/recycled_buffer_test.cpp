// Buffers that are used again.
#include "tensor/recycled_buffer.h"

#include <doctest/doctest.h>

#include <set>
#include <thread>
#include <vector>

using otf::RecycledBuffer;

TEST_CASE("a buffer that was given back is the next one, a much larger or smaller one is not") {
  void* first = nullptr;
  {
    const RecycledBuffer a(100'000);
    first = a.data();
  }
  {
    const RecycledBuffer larger(200'000);
    CHECK(larger.data() != first);
    CHECK(larger.bytes() >= 200'000);
    const RecycledBuffer muchSmaller(40'000);
    CHECK(muchSmaller.data() != first);
    const RecycledBuffer smaller(60'000);
    CHECK(smaller.data() == first);
    CHECK(smaller.bytes() >= 100'000);
    const RecycledBuffer second(60'000);
    CHECK(second.data() != first);
  }
}

TEST_CASE("a buffer that was moved from gives nothing back, and nobody gets one twice") {
  RecycledBuffer a(3'000'000);
  const RecycledBuffer b(std::move(a));
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([] {
      for (int i = 0; i < 2000; ++i) {
        const RecycledBuffer mine(static_cast<size_t>(1000 + i % 7 * 300));
        mine.floats()[0] = static_cast<float>(i);
        std::this_thread::yield();
        if (mine.floats()[0] != static_cast<float>(i)) std::abort();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::set<void*> all;
  std::vector<RecycledBuffer> held;
  for (int i = 0; i < 20; ++i) all.insert(held.emplace_back(2000).data());
  CHECK(all.size() == 20);
}
