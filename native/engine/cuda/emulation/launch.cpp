#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <utility>

#include "engine/cuda/emulation/collective.h"
#include "engine/cuda/emulation/cuda.h"
#include "engine/cuda/emulation/fibers.h"
#include "engine/cuda/emulation/shared_memory.h"
#include "engine/cuda/emulation/warp.h"

namespace otf::emulation {

Position position;

namespace {

constexpr size_t kMostFaults = 20;
std::vector<std::string> faults;
std::mutex noting;  // of faults: streams are used outside of kernels, too
std::recursive_mutex running;

Fibers& fibers() {
  static Fibers all;
  return all;
}

/// Those that wait at a barrier of the block.
std::vector<unsigned> atBarrier;

void openBarrier() {
  orderShared();
  for (const unsigned thread : atBarrier) fibers().wake(thread);
  atBarrier.clear();
}

struct Warp {
  std::vector<unsigned> lanes;  // that have come
  std::array<const void*, kLanes> operands{};
  const void* kind = nullptr;
};
std::vector<Warp> warps;

}  // namespace

void fault(const std::string& what) {
  const std::lock_guard lock(noting);
  if (faults.size() < kMostFaults) faults.push_back(what);
}

std::vector<std::string> takeFaults() {
  const std::scoped_lock lock(running, noting);
  return std::exchange(faults, {});
}

void together(const void* kind, void* operand, void (*act)(const std::array<void*, kLanes>&)) {
  const unsigned self = fibers().current();
  Warp& warp = warps[self / kLanes];
  if (!warp.lanes.empty() && warp.kind != kind)
    fault("lanes of a warp do different things together, at thread " + std::to_string(self));
  warp.kind = kind;
  warp.operands[self % kLanes] = operand;
  warp.lanes.push_back(self);
  if (warp.lanes.size() < kLanes) {
    fibers().wait();
    position.thread.x = self;
    return;
  }
  std::array<void*, kLanes> all;
  for (size_t i = 0; i < kLanes; ++i) all[i] = const_cast<void*>(warp.operands[i]);
  act(all);
  for (const unsigned lane : warp.lanes) fibers().wake(lane);
  warp.lanes.clear();
}

void syncThreads() {
  const unsigned self = fibers().current();
  atBarrier.push_back(self);
  if (atBarrier.size() < fibers().alive()) {
    fibers().wait();
    position.thread.x = self;
    return;
  }
  openBarrier();
}

void launch(unsigned blocks, unsigned threads, size_t sharedBytes, const std::function<void()>& kernel) {
  const std::lock_guard lock(running);
  position.blocks = {blocks, 1, 1};
  position.threads = {threads, 1, 1};
  for (unsigned block = 0; block < blocks; ++block) {
    position.block = {block, 0, 0};
    beginShared(sharedBytes);
    warps.assign((threads + kLanes - 1) / kLanes, Warp{});
    atBarrier.clear();
    forgetCopies();
    const bool ended = fibers().run(threads, [&](unsigned thread) {
      position.thread = {thread, 0, 0};
      kernel();
      // Threads that have ended are not waited for.
      if (!atBarrier.empty() && atBarrier.size() == fibers().alive() - 1) openBarrier();
    });
    if (!ended) {
      std::fprintf(stderr, "emulated block %u: its threads wait for one another for ever\n", block);
      std::abort();
    }
    endShared();
  }
}

}  // namespace otf::emulation
