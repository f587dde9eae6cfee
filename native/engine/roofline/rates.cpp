#include "engine/roofline/rates.h"

#include <omp.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "engine/threads/worker_thread.h"
#include "tensor/buffer.h"

namespace otf::roofline {
namespace {

// Two of these are more than any second level holds, and what an activation of a large tile takes.
constexpr int64_t kFarBytes = 32 << 20;
constexpr int64_t kUsualCache = 1 << 20;  // where the system does not say

}  // namespace

int64_t cacheBytes() {
  const long told = sysconf(_SC_LEVEL2_CACHE_SIZE);
  return told > 0 ? told : kUsualCache;
}

struct RateMeter::Team {
  explicit Team(int threads) : count(threads), worker(threads) {
    for (int i = 0; i < 2 * threads; ++i) {
      places.emplace_back(static_cast<size_t>(kFarBytes));
      std::memset(places.back().data(), 1, static_cast<size_t>(kFarBytes));
    }
  }
  int count;
  std::vector<Buffer> places;  // two of each thread
  WorkerThread worker;
};

RateMeter::RateMeter(Unit unit, int threads)
    : unit_(unit), team_(std::make_unique<Team>(threadsFor(threads))) {}
RateMeter::~RateMeter() = default;

void RateMeter::measure() {
  Rates sum;
  team_->worker.run([&] {
  // Each for itself and all at once: a thread that is held up takes nothing from the others' figures.
#pragma omp parallel num_threads(team_->count)
    {
      const auto thread = static_cast<size_t>(omp_get_thread_num());
      void* const a = team_->places[2 * thread].data();
      void* const b = team_->places[2 * thread + 1].data();
      Rates own;
#pragma omp barrier
      own.flops = arithmeticRate(unit_);
#pragma omp barrier
      // Both places and something for whatever else there is.
      own.cache = transferRate(a, b, cacheBytes() / 3);
#pragma omp barrier
      own.memory = transferRate(a, b, kFarBytes);
#pragma omp critical
      {
        sum.flops += own.flops;
        sum.cache += own.cache;
        sum.memory += own.memory;
      }
    }
  });
  best_.flops = std::max(best_.flops, sum.flops);
  best_.cache = std::max(best_.cache, sum.cache);
  best_.memory = std::max(best_.memory, sum.memory);
}

}  // namespace otf::roofline
