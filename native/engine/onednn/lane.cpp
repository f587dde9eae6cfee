#include "engine/onednn/lane.h"

namespace otf::onednn {
namespace {

// Batch sizes and tile sizes met in one run are few: a full batch, a remainder, and the same for a second tile size.
constexpr size_t kMaxPlans = 8;
constexpr size_t kPage = 4096;

}  // namespace

Plan& Lane::planFor(Extent extent, int batch, bool monteCarlo) {
  for (auto it = plans_.begin(); it != plans_.end(); ++it) {
    if (it->extent == extent && it->batch == batch && it->monteCarlo == monteCarlo) {
      plans_.splice(plans_.begin(), plans_, it);
      return *plans_.front().plan;
    }
  }
  const PlanSpec spec{extent, batch, monteCarlo, shop_.bf16, shop_.rawOutput, shop_.int8, shop_.ranges};
  {
    const std::lock_guard lock(shop_.building);
    plans_.push_front(
        {extent, batch, monteCarlo, buildPlan(shop_.network, spec, shop_.weights, shop_.engine, stream_)});
  }
  if (plans_.size() > kMaxPlans) plans_.pop_back();
  grow(*plans_.front().plan);
  return *plans_.front().plan;
}

void Lane::prepare(Extent extent) {
  planFor(extent, 1, false);
  for (const Buffer& arena : arenas_) {
    auto* bytes = static_cast<volatile char*>(arena.data());
    for (size_t at = 0; at < arena.bytes(); at += kPage) bytes[at] = 0;
  }
}

void Lane::grow(const Plan& plan) {
  int64_t bytes = 0;
  for (size_t i = 0; i < arenas_.size(); ++i) {
    const size_t need = plan.needs()[i];
    if (need > arenas_[i].bytes()) {
      arenas_[i] = Buffer();  // give back before asking for more
      arenas_[i] = Buffer(need);
    }
    bytes += static_cast<int64_t>(arenas_[i].bytes());
  }
  bytes_ = bytes;
}

}  // namespace otf::onednn
