#include "task/slot_ring.h"

#include <algorithm>
#include <utility>

namespace otf {
SlotRing::SlotRing(std::vector<Batch> batches, int slots, int64_t inputFloats, int64_t outputFloats)
    : batches_(std::move(batches)) {
  int most = 0;
  for (const Batch& batch : batches_) most = std::max(most, batch.tiles);
  const int64_t needed = std::min<int64_t>(slots, batchCount());
  for (int64_t i = 0; i < needed; ++i) {
    slots_.push_back({Buffer(static_cast<size_t>(most * inputFloats) * sizeof(float)),
                      Buffer(static_cast<size_t>(most * outputFloats) * sizeof(float)),
                      {}});
  }
  leftToConsume_.assign(slots_.size(), 0);
}

Slot* SlotRing::waitEmpty() {
  std::unique_lock lock(mutex_);
  if (filledBatches_ == batchCount()) return nullptr;
  emptied_.wait(lock, [&] {
    return stopped_ || filledBatches_ - consumedBatches_ < static_cast<int64_t>(slots_.size());
  });
  if (stopped_) return nullptr;
  Slot& slot = slotOf(filledBatches_);
  slot.batch = batches_[static_cast<size_t>(filledBatches_)];
  return &slot;
}

void SlotRing::markFilled() {
  const std::lock_guard lock(mutex_);
  ++filledBatches_;
  filled_.notify_one();
}

Slot* SlotRing::waitFilled() {
  std::unique_lock lock(mutex_);
  if (inferredBatches_ == batchCount()) return nullptr;
  filled_.wait(lock, [&] { return stopped_ || filledBatches_ > inferredBatches_; });
  return stopped_ ? nullptr : &slotOf(inferredBatches_);
}

void SlotRing::markInferred() {
  const std::lock_guard lock(mutex_);
  leftToConsume_[static_cast<size_t>(inferredBatches_) % slots_.size()] =
      slotOf(inferredBatches_).batch.tiles;
  ++inferredBatches_;
  inferred_.notify_all();
}

std::optional<SlotRing::Piece> SlotRing::waitPiece() {
  std::unique_lock lock(mutex_);
  inferred_.wait(lock,
                 [&] { return stopped_ || pieceBatch_ == batchCount() || inferredBatches_ > pieceBatch_; });
  if (stopped_ || pieceBatch_ == batchCount()) return std::nullopt;
  Slot& slot = slotOf(pieceBatch_);
  const Piece piece{&slot, pieceTile_++};
  if (pieceTile_ == slot.batch.tiles) {
    ++pieceBatch_;
    pieceTile_ = 0;
    if (pieceBatch_ == batchCount())
      inferred_.notify_all();  // the consumers that wait have nothing to wait for
  }
  return piece;
}

void SlotRing::markConsumed(const Piece& piece) {
  const std::lock_guard lock(mutex_);
  --leftToConsume_[static_cast<size_t>(piece.slot - slots_.data())];
  // Slots are given back in the order they were filled, even if a later one is consumed first.
  while (consumedBatches_ < inferredBatches_ &&
         leftToConsume_[static_cast<size_t>(consumedBatches_) % slots_.size()] == 0) {
    ++consumedBatches_;
    emptied_.notify_one();
  }
}

void SlotRing::stop(std::exception_ptr failure) {
  const std::lock_guard lock(mutex_);
  if (!failure_) failure_ = std::move(failure);
  stopped_ = true;
  emptied_.notify_all();
  filled_.notify_all();
  inferred_.notify_all();
}

void SlotRing::rethrow() const {
  if (failure_) std::rethrow_exception(failure_);
}

}  // namespace otf
