// What the machine can do at best, measured: the roof that no layer goes through.
#pragma once

#include <cstdint>
#include <memory>

namespace otf::roofline {

/// The widest unit that a computation may use.
enum class Unit { kSse, kAvx2, kAvx512, kAvx512Bf16, kAvx512Int8, kAmxBf16, kAmxInt8 };
const char* unitName(Unit unit);

/// Of all threads together.
struct Rates {
  double flops = 0;   // FLOP/s
  double cache = 0;   // bytes/s read and written of what fits in a core's second-level cache
  double memory = 0;  // bytes/s of what does not: the third level or the memory, whichever answers
};

/// Bytes of a core's second-level cache.
int64_t cacheBytes();

/// FLOP/s of one thread: multiply-adds on registers alone (AMX: and on tiles from the first-level cache), enough of them in
/// flight to hide their latency.
double arithmeticRate(Unit unit);

/// Bytes/s of one thread that reads, writes or copies (the best of the three) between two places of `bytes` each.
double transferRate(void* a, void* b, int64_t bytes);

/// Short measurements, to be repeated between those of what is compared: the best is kept.
class RateMeter {
 public:
  /// Throws kOutOfMemory.
  RateMeter(Unit unit, int threads);
  RateMeter(const RateMeter&) = delete;
  RateMeter& operator=(const RateMeter&) = delete;
  ~RateMeter();
  void measure();
  const Rates& best() const { return best_; }

 private:
  struct Team;
  Unit unit_;
  std::unique_ptr<Team> team_;
  Rates best_;
};

}  // namespace otf::roofline
