#include "bridge_cuda.h"

#include <cuda_runtime_api.h>
#include <curand.h>

#include "parallel.h"

extern curandGenerator_t cu_gen; /* cuda_main.cu: every dropout mask comes from it */

/* Values converted at a time. */
enum { kPart = 1 << 16 };

static struct {
  Dataset typed; /* holds one batch of input rows in the compute type, and the conversion to it */
  float* output; /* pinned: FP32 */
  void* buffer;  /* pinned: in the compute type, for the copy-out call */
  size_t outputValues;
} cuda;

int otfCudaDevices(char* text, size_t size) {
  int count = 0;
  const cudaError_t status = cudaGetDeviceCount(&count);
  struct cudaDeviceProp properties;
  if (status != cudaSuccess) {
    snprintf(text, size, "CUDA: %s", cudaGetErrorString(status));
    return 0;
  }
  if (count < 1 || cudaGetDeviceProperties(&properties, 0) != cudaSuccess) {
    snprintf(text, size, "CUDA: no device");
    return 0;
  }
  snprintf(text, size, "%s", properties.name);
  return count;
}

static size_t typeBytes(const network* net) {
  const int type = net->cu_inst.use_cuda_TC;
  return type == FP32C_FP32A || type == TF32C_FP32A ? sizeof(float) : sizeof(float) / 2;
}

int otfCudaOpen(network* net, int64_t valuesOut, char* error, size_t size) {
  const size_t rowValues = (net->input_dim + 1) * (size_t)net->batch_size;
  cuda.outputValues = (size_t)valuesOut * (size_t)net->batch_size;
  cuda_create_table(net, &net->input, rowValues);
  cuda.typed = create_dataset(net, net->batch_size);
  /* Pinned memory is what lets the device copy at the bus's speed. */
  cudaError_t status =
      cudaHostRegister(cuda.typed.input[0], rowValues * typeBytes(net), cudaHostRegisterDefault);
  if (status == cudaSuccess) status = cudaMallocHost((void**)&cuda.output, cuda.outputValues * sizeof(float));
  if (status == cudaSuccess) status = cudaMallocHost(&cuda.buffer, cuda.outputValues * typeBytes(net));
  /* Allocations of CIANNA's own that failed are found here: it does not look. */
  if (status == cudaSuccess) status = cudaDeviceSynchronize();
  if (status == cudaSuccess) status = cudaGetLastError();
  if (status == cudaSuccess && net->input == NULL) status = cudaErrorMemoryAllocation;
  if (status == cudaSuccess) return 0;
  snprintf(error, size, "CUDA: %s (batch %d)", cudaGetErrorString(status), net->batch_size);
  return -1;
}

void otfCudaInput(network* net, int count, const float* input) {
  const size_t values = net->input_dim;
  OTF_PARALLEL_FOR
  for (int n = 0; n < count; ++n)
    cuda.typed.cont_copy((float*)input + (size_t)n * values, cuda.typed.input[0],
                         (int)((size_t)n * (values + 1)), values);
  cuda_put_table(net, net->input, cuda.typed.input[0], (values + 1) * (size_t)net->batch_size);
}

const float* otfCudaOutput(network* net) {
  void* output = net->net_layers[net->nb_layers - 1]->output;
  const size_t bytes = typeBytes(net);
  if (bytes == sizeof(float)) {
    cuda_get_table(net, output, cuda.output, cuda.outputValues);
  } else {
    cuda_get_table(net, output, cuda.buffer, cuda.outputValues);
    const int64_t parts = (int64_t)((cuda.outputValues + kPart - 1) / kPart);
    OTF_PARALLEL_FOR
    for (int64_t i = 0; i < parts; ++i) {
      const size_t at = (size_t)i * kPart, left = cuda.outputValues - at;
      cuda_get_typed_host_table(net, (char*)cuda.buffer + at * bytes, cuda.output + at,
                                left < kPart ? left : kPart);
    }
  }
  const cudaError_t status = cudaGetLastError();
  if (status != cudaSuccess) {
    printf("ERROR: CUDA: %s\n", cudaGetErrorString(status));
    exit(EXIT_FAILURE);
  }
  return cuda.output;
}

void otfCudaSeed(uint64_t seed) {
  curandSetPseudoRandomGeneratorSeed(cu_gen, seed);
  curandSetGeneratorOffset(cu_gen, 0);
}

void otfCudaClose(void) {
  cudaHostUnregister(cuda.typed.input[0]);
  cudaFreeHost(cuda.output);
  cudaFreeHost(cuda.buffer);
}
