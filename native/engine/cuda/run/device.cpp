#include "engine/cuda/run/device.h"

namespace otf::cuda {
namespace {

// Below, there is no code for it: CMakeLists.txt names the architectures.
constexpr int kLeastCapability = 75;
constexpr int kAmpere = 80;

std::string driverVersion() {
  int version = 0;
  if (cudaDriverGetVersion(&version) != cudaSuccess) return "1";
  return "1, driver for CUDA " + std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

}  // namespace

DeviceMemory uploaded(const void* data, size_t bytes, cudaStream_t stream) {
  DeviceMemory memory(bytes, "the network's weights");
  if (bytes > 0) {
    check(cudaMemcpyAsync(memory.data(), data, bytes, cudaMemcpyHostToDevice, stream), "copying weights");
    check(cudaStreamSynchronize(stream), "copying weights");
  }
  return memory;
}

Device openDevice() {
  int count = 0;
  const cudaError_t counted = cudaGetDeviceCount(&count);
  if (counted != cudaSuccess)
    throw OtfError(Code::kEngineUnavailable,
                   std::string("no GPU can be used: ") + cudaGetErrorString(counted));
  if (count < 1) throw OtfError(Code::kEngineUnavailable, "there is no NVIDIA GPU");
  check(cudaSetDevice(0), "choosing a device");
  cudaDeviceProp properties;
  check(cudaGetDeviceProperties(&properties, 0), "asking the device");
  Device device;
  device.name = properties.name;
  device.capability = properties.major * 10 + properties.minor;
  if (device.capability < kLeastCapability)
    throw OtfError(Code::kEngineUnavailable, device.name + " has compute capability " +
                                                 std::to_string(properties.major) + "." +
                                                 std::to_string(properties.minor) + ", 7.5 is the least");
  device.version = driverVersion();
  device.sharedLimit = properties.sharedMemPerBlockOptin;
  device.computeTypes = {ComputeType::kFp32cFp32a, ComputeType::kFp16cFp32a};
  if (device.capability >= kAmpere) {
    device.computeTypes.push_back(ComputeType::kTf32cFp32a);
    device.computeTypes.push_back(ComputeType::kBf16cFp32a);
  }
  return device;
}

Element elementOf(ComputeType type) {
  switch (type) {
    case ComputeType::kTf32cFp32a:
      return Element::kTf32;
    case ComputeType::kFp16cFp32a:
    case ComputeType::kFp16cFp16a:
      return Element::kHalf;
    case ComputeType::kBf16cFp32a:
      return Element::kBFloat;
    case ComputeType::kFp32cFp32a:
    case ComputeType::kInt8cInt32a:
      break;
  }
  return Element::kFloat;
}

}  // namespace otf::cuda
