// Owners of what CUDA hands out, and the device itself. One thread at a time each.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "engine/cuda/kernels/kernels.h"
#include "engine/engine.h"

namespace otf::cuda {

/// As check(), for memory of the host.
inline void checkPinned(cudaError_t error, const char* what) {
  if (error != cudaErrorMemoryAllocation) return check(error, what);
  cudaGetLastError();
  throw OtfError(Code::kOutOfMemory, std::string("the host has not enough memory that can be pinned for ") +
                                         what + "; use a smaller batch or tile");
}

/// Device or pinned host memory, freed by its owner.
template <cudaError_t (*give)(void**, size_t), cudaError_t (*take)(void*),
          void (*checkGiven)(cudaError_t, const char*)>
class Memory {
 public:
  Memory() = default;
  /// Throws kOutOfMemory.
  Memory(size_t bytes, const char* what) : bytes_(bytes) {
    if (bytes > 0) checkGiven(give(&data_, bytes), what);
  }
  Memory(Memory&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
  Memory& operator=(Memory&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~Memory() {
    if (data_ != nullptr) take(data_);
  }
  void* data() const { return data_; }
  float* floats() const { return static_cast<float*>(data_); }
  size_t bytes() const { return bytes_; }

 private:
  void* data_ = nullptr;
  size_t bytes_ = 0;
};

inline cudaError_t mallocDevice(void** memory, size_t bytes) { return cudaMalloc(memory, bytes); }
inline cudaError_t mallocPinned(void** memory, size_t bytes) { return cudaMallocHost(memory, bytes); }
using DeviceMemory = Memory<mallocDevice, cudaFree, check>;
using PinnedMemory = Memory<mallocPinned, cudaFreeHost, checkPinned>;

class Stream {
 public:
  Stream() { check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "making a stream"); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  ~Stream() { cudaStreamDestroy(stream_); }
  operator cudaStream_t() const { return stream_; }
  void wait() const { check(cudaStreamSynchronize(stream_), "waiting for a pass"); }

 private:
  cudaStream_t stream_ = nullptr;
};

class Event {
 public:
  explicit Event(bool timed = false) {
    check(cudaEventCreateWithFlags(&event_, timed ? 0 : cudaEventDisableTiming), "making an event");
  }
  Event(Event&& other) noexcept : event_(std::exchange(other.event_, nullptr)) {}
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  ~Event() {
    if (event_ != nullptr) cudaEventDestroy(event_);
  }
  cudaEvent_t get() const { return event_; }
  void record(cudaStream_t stream) const { check(cudaEventRecord(event_, stream), "recording an event"); }
  void wait() const { check(cudaEventSynchronize(event_), "waiting for a pass"); }
  /// What is put on `stream` from now on comes after this.
  void before(cudaStream_t stream) const {
    check(cudaStreamWaitEvent(stream, event_, 0), "ordering streams");
  }
  double secondsUntil(const Event& later) const {
    float milliseconds = 0;
    check(cudaEventElapsedTime(&milliseconds, event_, later.event_), "reading times");
    return static_cast<double>(milliseconds) * 1e-3;
  }

 private:
  cudaEvent_t event_ = nullptr;
};

/// Copies to the device and waits.
DeviceMemory uploaded(const void* data, size_t bytes, cudaStream_t stream);

struct Device {
  std::string name;
  std::string version;     // "1, driver for CUDA 13.0"
  size_t sharedLimit = 0;  // bytes a block may ask for
  int capability = 0;      // 90: 9.0
  std::vector<ComputeType> computeTypes;
};

/// The first device this process sees (CUDA_VISIBLE_DEVICES chooses; a MIG slice is a device). Throws
/// kEngineUnavailable: why there is none.
Device openDevice();

/// What the flow is stored in for a compute type the device has.
Element elementOf(ComputeType type);

}  // namespace otf::cuda
