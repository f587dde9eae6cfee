// A ring of batches in memory and the hand-over between the three stages of pipeline.h.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <mutex>
#include <optional>
#include <vector>

#include "tensor/buffer.h"

namespace otf {

struct Batch {
  int64_t firstTile = 0;
  int tiles = 0;
};

struct Slot {
  Buffer input, output;
  Batch batch;
};

/// Every batch goes through the stages in order; one filler, one inferrer, any number of consumers of single
/// tiles. Waiting is sleeping. Thread-safe.
class SlotRing {
 public:
  /// Floats per tile; every slot holds the largest batch. Throws kOutOfMemory.
  SlotRing(std::vector<Batch> batches, int slots, int64_t inputFloats, int64_t outputFloats);

  /// Each wait returns nullptr when there is nothing more to do: all batches done, or the ring was stopped.
  Slot* waitEmpty();
  void markFilled();
  Slot* waitFilled();
  void markInferred();

  struct Piece {
    Slot* slot;
    int tile;  // within the slot
  };
  std::optional<Piece> waitPiece();
  void markConsumed(const Piece& piece);

  /// Keeps the first failure and makes every wait return.
  void stop(std::exception_ptr failure);
  /// Throws the failure kept, if any. Call when the other threads have ended.
  void rethrow() const;

 private:
  Slot& slotOf(int64_t batch) { return slots_[static_cast<size_t>(batch) % slots_.size()]; }
  int64_t batchCount() const { return static_cast<int64_t>(batches_.size()); }

  const std::vector<Batch> batches_;
  std::vector<Slot> slots_;
  std::mutex mutex_;
  std::condition_variable emptied_, filled_, inferred_;
  int64_t filledBatches_ = 0, inferredBatches_ = 0, consumedBatches_ = 0;  // how many have left each stage
  int64_t pieceBatch_ = 0;  // the batch whose tiles are being handed out
  int pieceTile_ = 0;
  std::vector<int> leftToConsume_;  // per slot
  std::exception_ptr failure_;
  bool stopped_ = false;
};

}  // namespace otf
