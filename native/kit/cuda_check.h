// CUDA's status codes as our exceptions.
#pragma once

#include <cuda_runtime_api.h>

#include <string>

#include "error/error.h"

namespace otf::kit {

inline void check(cudaError_t status, const std::string& doing) {
  if (status == cudaSuccess) return;
  cudaGetLastError();  // or the next call reports it, too
  throw OtfError(status == cudaErrorMemoryAllocation ? Code::kOutOfMemory : Code::kEngineFailed,
                 doing + ": " + cudaGetErrorString(status));
}

/// Memory of the device.
class DeviceMemory {
 public:
  explicit DeviceMemory(size_t bytes) { check(cudaMalloc(&data_, bytes), "memory of the device"); }
  DeviceMemory(const DeviceMemory&) = delete;
  DeviceMemory& operator=(const DeviceMemory&) = delete;
  ~DeviceMemory() { cudaFree(data_); }
  void* data() const { return data_; }

 private:
  void* data_ = nullptr;
};

/// Seconds that the device takes for what `work` gives it.
template <typename Work>
double deviceSeconds(const Work& work) {
  cudaEvent_t start = nullptr;
  cudaEvent_t stop = nullptr;
  check(cudaEventCreate(&start), "an event");
  check(cudaEventCreate(&stop), "an event");
  cudaEventRecord(start);
  work();
  cudaEventRecord(stop);
  const cudaError_t status = cudaEventSynchronize(stop);
  float milliseconds = 0;
  cudaEventElapsedTime(&milliseconds, start, stop);
  cudaEventDestroy(start);
  cudaEventDestroy(stop);
  check(status, "waiting for the device");
  return milliseconds / 1e3;
}

}  // namespace otf::kit
