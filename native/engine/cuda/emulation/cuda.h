// CUDA on a CPU, as much of it as our kernels use, so that they can be tested where there is no GPU: the
// threads of a block are fibers, blocks run one after the other. Shared memory is watched for races
// (shared_memory.h). Names are CUDA's own.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

// NOLINTBEGIN(bugprone-reserved-identifier): CUDA's names
#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)
// NOLINTEND(bugprone-reserved-identifier)

struct dim3 {
  unsigned x = 1, y = 1, z = 1;
};

namespace otf::emulation {

/// Where the running thread is. One block runs at a time in the whole process.
struct Position {
  dim3 thread, block, blocks, threads;
};
extern Position position;

/// Runs `kernel` for every thread of every block. Throws nothing: faults are noted (faults()).
void launch(unsigned blocks, unsigned threads, size_t sharedBytes, const std::function<void()>& kernel);

/// What went wrong since the last call: races, collectives not all lanes took part in. Empty: nothing.
std::vector<std::string> takeFaults();
void fault(const std::string& what);

/// From now on cudaMalloc gives at most this many bytes more; 0: no limit.
void limitMemory(size_t bytes);

/// From now on what takes a while on a GPU takes this long here: recording, waiting, pinned memory, the end of
/// a graph.
void linger(std::chrono::microseconds time);

/// What is recorded next is spoilt.
void spoilRecording();

unsigned char* sharedMemory();
void syncThreads();

}  // namespace otf::emulation

#define threadIdx (::otf::emulation::position.thread)
#define blockIdx (::otf::emulation::position.block)
#define blockDim (::otf::emulation::position.threads)
#define gridDim (::otf::emulation::position.blocks)

// The runtime: streams do their work at once; a stream that is being captured keeps it for the graph instead.
using cudaError_t = int;
constexpr cudaError_t cudaSuccess = 0, cudaErrorMemoryAllocation = 2, cudaErrorInvalidValue = 1,
                      cudaErrorStreamCaptureUnsupported = 900, cudaErrorStreamCaptureInvalidated = 901;
struct CudaStream;
struct CudaEvent;
struct CudaGraph;
using cudaStream_t = CudaStream*;
using cudaEvent_t = CudaEvent*;
using cudaGraph_t = CudaGraph*;
using cudaGraphExec_t = CudaGraph*;
enum cudaMemcpyKind { cudaMemcpyHostToDevice, cudaMemcpyDeviceToHost, cudaMemcpyDeviceToDevice };
enum cudaStreamCaptureMode { cudaStreamCaptureModeThreadLocal };
constexpr unsigned cudaStreamNonBlocking = 1, cudaEventDisableTiming = 2;
struct cudaDeviceProp {
  char name[256];
  int major, minor, multiProcessorCount;
  size_t sharedMemPerBlockOptin, totalGlobalMem;
};

cudaError_t cudaMalloc(void** memory, size_t bytes);
cudaError_t cudaFree(void* memory);
cudaError_t cudaMallocHost(void** memory, size_t bytes);
cudaError_t cudaFreeHost(void* memory);
cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream);
cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags);
cudaError_t cudaStreamDestroy(cudaStream_t stream);
cudaError_t cudaStreamSynchronize(cudaStream_t stream);
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned flags);
cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode);
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph);
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* executable, cudaGraph_t graph, unsigned long long flags);
cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t stream);
cudaError_t cudaGraphDestroy(cudaGraph_t graph);
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable);
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned flags);
cudaError_t cudaEventDestroy(cudaEvent_t event);
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream);
cudaError_t cudaEventSynchronize(cudaEvent_t event);
cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t from, cudaEvent_t to);
cudaError_t cudaGetLastError();
const char* cudaGetErrorString(cudaError_t error);
cudaError_t cudaGetDeviceCount(int* count);
cudaError_t cudaSetDevice(int device);
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device);
cudaError_t cudaDriverGetVersion(int* version);

namespace otf::emulation {
/// Now, or when the graph runs that `stream` is being captured for.
void enqueue(cudaStream_t stream, std::function<void()> work);
}  // namespace otf::emulation
