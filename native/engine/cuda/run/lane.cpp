#include "engine/cuda/run/lane.h"

namespace otf::cuda {

Graph::Graph(cudaStream_t stream, const std::function<void()>& work) {
  check(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), "recording a pass");
  cudaGraph_t graph = nullptr;
  try {
    work();
  } catch (...) {
    if (cudaStreamEndCapture(stream, &graph) == cudaSuccess && graph != nullptr) cudaGraphDestroy(graph);
    throw;
  }
  check(cudaStreamEndCapture(stream, &graph), "recording a pass");
  const cudaError_t made = cudaGraphInstantiate(&executable_, graph, 0);
  cudaGraphDestroy(graph);
  check(made, "making a graph of a pass");
}

Graph::~Graph() {
  if (executable_ != nullptr) cudaGraphExecDestroy(executable_);
}

void Lane::fit(size_t inputBytes, size_t outputBytes) {
  if (input.bytes() < inputBytes) {
    plans.clear();
    input = {};
    deviceInput = {};
    input = PinnedMemory(inputBytes, "the input of a batch");
    deviceInput = DeviceMemory(inputBytes, "the input of a batch");
  }
  if (output.bytes() < outputBytes) {
    plans.clear();
    output = {};
    deviceOutput = {};
    output = PinnedMemory(outputBytes, "the output of a batch");
    deviceOutput = DeviceMemory(outputBytes, "the output of a batch");
  }
}

void Lane::release() {
  plans.clear();
  input = {};
  deviceInput = {};
  output = {};
  deviceOutput = {};
}

}  // namespace otf::cuda
