// Work on the items of a network's forward passes, in pieces that may run in different threads or processes: what every
// kind of task whose tiles are native implements. An item is a tile of an image, or of a cube.
//
//   open ──► fill(first, count) ──► (a forward pass of any engine) ──► consume(first, count) ──► finish
//            one thread, forward only                                  any threads, any order     once, at the end
//
#pragma once

#include <atomic>
#include <cstdint>
#include <limits>

#include "model/network.h"

namespace otf {

class TileTask {
 public:
  static constexpr uint64_t kAllBytes = std::numeric_limits<uint64_t>::max();

  TileTask() = default;
  TileTask(const TileTask&) = delete;
  TileTask& operator=(const TileTask&) = delete;
  virtual ~TileTask() = default;

  virtual int64_t items() const = 0;
  /// Of one item, as the network takes it; floats of one item in and out of the network.
  virtual Extent itemExtent() const = 0;
  virtual int64_t inputValues() const = 0;
  virtual int64_t outputValues() const = 0;

  /// Throws when the network is not one this task can be run with.
  virtual void checkNetwork(const Network& network) const = 0;

  /// What filling will take at most, known from the header.
  virtual int64_t memoryBytes() const = 0;
  /// Reading goes through a decoder, which may hang: never in passing, only where it can be cancelled.
  virtual bool decodes() const { return false; }

  /// Of an input that is still being written: so many bytes of it, from its begin, must be there before prepare is called for
  /// `item`, the first it has not prepared. Known once it is opened; kAllBytes: all of it must.
  virtual uint64_t bytesFor(int64_t /*item*/) const { return kAllBytes; }

  /// Reads what the next items need, which may take as long as a disk or a decoder takes. Gives how many items fill can
  /// then write from memory, from the first that has not been filled. Throws as fill.
  virtual int64_t prepare() = 0;

  /// Items [first, first+count) to out[count][inputValues()]. One thread at a time, forward only. Throws kCancelled
  /// soon after cancel().
  virtual void fill(int64_t first, int count, float* out) = 0;

  /// What the network made of items [first, first+count): items as fill wrote them, outputs[count][outputValues()].
  /// Each item once, from any thread, different items at a time.
  virtual void consume(int64_t first, int count, const float* items, const float* outputs) = 0;

  /// Once every item has been consumed (kInternal otherwise): what was found is asked of the task itself then. `threads`
  /// of the CPU may be used.
  virtual void finish(int threads) = 0;

  /// Work under way ends soon. From any thread.
  virtual void cancel() { cancelled_ = true; }
  bool isCancelled() const { return cancelled_; }

 protected:
  /// For readers that look at it while they read.
  const std::atomic<bool>* cancelFlag() const { return &cancelled_; }

 private:
  std::atomic<bool> cancelled_{false};
};

}  // namespace otf
