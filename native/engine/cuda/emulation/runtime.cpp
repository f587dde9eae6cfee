// The runtime's calls. Device memory is the heap's, one allocation each, so that AddressSanitizer sees what goes
// beyond a tensor.
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <thread>

#include "engine/cuda/emulation/cuda.h"

struct CudaGraph {
  std::vector<std::function<void()>> work;
};
struct CudaStream {
  CudaGraph* captured = nullptr;
  bool isSpoilt = false;  // what is captured
};
struct CudaEvent {
  std::chrono::steady_clock::time_point at;
};

namespace {

constexpr size_t kAlignment = 256;
std::mutex mutex;
std::map<void*, size_t> allocated;
size_t inUse = 0;
size_t limit = 0;
std::atomic<std::chrono::microseconds> lingering{};
std::atomic<bool> spoilsNext{false};

void takeTime() {
  const std::chrono::microseconds time = lingering;
  if (time.count() > 0) std::this_thread::sleep_for(time);
}

cudaError_t allocate(void** memory, size_t bytes) {
  const std::lock_guard lock(mutex);
  if (limit > 0 && inUse + bytes > limit) return cudaErrorMemoryAllocation;
  *memory = std::aligned_alloc(kAlignment, (bytes + kAlignment - 1) / kAlignment * kAlignment);
  if (*memory == nullptr) return cudaErrorMemoryAllocation;
  std::memset(*memory, 0xff, bytes);  // NaN in every type: what is read must have been written
  allocated[*memory] = bytes;
  inUse += bytes;
  return cudaSuccess;
}

cudaError_t release(void* memory) {
  const std::lock_guard lock(mutex);
  if (memory == nullptr) return cudaSuccess;
  const auto found = allocated.find(memory);
  if (found == allocated.end()) return cudaErrorInvalidValue;
  inUse -= found->second;
  allocated.erase(found);
  std::free(memory);
  return cudaSuccess;
}

}  // namespace

namespace otf::emulation {

void limitMemory(size_t bytes) {
  const std::lock_guard lock(mutex);
  limit = bytes == 0 ? 0 : inUse + bytes;
}

void linger(std::chrono::microseconds time) { lingering = time; }

void spoilRecording() { spoilsNext = true; }

void enqueue(cudaStream_t stream, std::function<void()> work) {
  if (stream->captured == nullptr) return work();
  takeTime();
  stream->captured->work.push_back(std::move(work));
}

}  // namespace otf::emulation

cudaError_t cudaMalloc(void** memory, size_t bytes) { return allocate(memory, bytes); }
cudaError_t cudaFree(void* memory) { return release(memory); }
cudaError_t cudaMallocHost(void** memory, size_t bytes) {
  takeTime();
  return allocate(memory, bytes);
}
cudaError_t cudaFreeHost(void* memory) { return release(memory); }

cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind, cudaStream_t stream) {
  otf::emulation::enqueue(stream, [=] { std::memcpy(to, from, bytes); });
  return cudaSuccess;
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
  *stream = new CudaStream;
  return cudaSuccess;
}
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  delete stream;
  return cudaSuccess;
}
/// Source: CUDA C++ Programming Guide, "Prohibited and Unhandled Operations" of stream capture.
cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  takeTime();
  if (stream->captured == nullptr) return cudaSuccess;
  stream->isSpoilt = true;
  otf::emulation::fault("a stream was waited for while it was recorded");
  return cudaErrorStreamCaptureUnsupported;
}
cudaError_t cudaStreamWaitEvent(cudaStream_t, cudaEvent_t, unsigned) { return cudaSuccess; }

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode) {
  if (stream->captured != nullptr) return cudaErrorInvalidValue;
  stream->isSpoilt = spoilsNext.exchange(false);
  stream->captured = new CudaGraph;
  return cudaSuccess;
}
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  if (stream->captured == nullptr) return cudaErrorInvalidValue;
  takeTime();
  *graph = stream->captured;
  stream->captured = nullptr;
  if (!stream->isSpoilt) return cudaSuccess;
  delete *graph;
  *graph = nullptr;
  return cudaErrorStreamCaptureInvalidated;
}
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* executable, cudaGraph_t graph, unsigned long long) {
  *executable = new CudaGraph(*graph);
  return cudaSuccess;
}
cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t) {
  for (const auto& work : executable->work) work();
  return cudaSuccess;
}
cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  delete graph;
  return cudaSuccess;
}
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable) {
  takeTime();
  delete executable;
  return cudaSuccess;
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
  *event = new CudaEvent;
  return cudaSuccess;
}
cudaError_t cudaEventDestroy(cudaEvent_t event) {
  delete event;
  return cudaSuccess;
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t) {
  event->at = std::chrono::steady_clock::now();
  return cudaSuccess;
}
cudaError_t cudaEventSynchronize(cudaEvent_t) { return cudaSuccess; }
cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t from, cudaEvent_t to) {
  *milliseconds = std::chrono::duration<float, std::milli>(to->at - from->at).count();
  return cudaSuccess;
}

cudaError_t cudaGetLastError() { return cudaSuccess; }
const char* cudaGetErrorString(cudaError_t error) {
  switch (error) {
    case cudaSuccess:
      return "no error";
    case cudaErrorMemoryAllocation:
      return "out of memory";
    case cudaErrorStreamCaptureUnsupported:
      return "operation not permitted when stream is capturing";
    case cudaErrorStreamCaptureInvalidated:
      return "operation failed due to a previous error during capture";
    default:
      return "invalid value";
  }
}
cudaError_t cudaGetDeviceCount(int* count) {
  *count = 1;
  return cudaSuccess;
}
cudaError_t cudaSetDevice(int) { return cudaSuccess; }
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int) {
  *properties = {};
  std::strcpy(properties->name, "emulated");
  properties->major = 8;
  properties->multiProcessorCount = 1;
  properties->sharedMemPerBlockOptin = size_t{227} << 10;
  properties->totalGlobalMem = size_t{1} << 40;
  return cudaSuccess;
}
cudaError_t cudaDriverGetVersion(int* version) {
  *version = 0;
  return cudaSuccess;
}
