#include "kit/gpu_products.h"

#include <cublas_v2.h>
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <algorithm>
#include <array>

#include "kit/cuda_check.h"
#include "timing/median.h"

namespace otf::kit {
namespace {

struct Type {
  const char* name;
  cudaDataType data;
  cublasComputeType_t compute;
  size_t bytes;
};
constexpr std::array kTypes = {
    Type{"FP32C_FP32A", CUDA_R_32F, CUBLAS_COMPUTE_32F, 4},
    Type{"TF32C_FP32A", CUDA_R_32F, CUBLAS_COMPUTE_32F_FAST_TF32, 4},
    Type{"FP16C_FP32A", CUDA_R_16F, CUBLAS_COMPUTE_32F, 2},
    Type{"FP16C_FP16A", CUDA_R_16F, CUBLAS_COMPUTE_16F, 2},
    Type{"BF16C_FP32A", CUDA_R_16BF, CUBLAS_COMPUTE_32F, 2},
};

void checkBlas(cublasStatus_t status, const std::string& doing) {
  if (status != CUBLAS_STATUS_SUCCESS)
    throw OtfError(Code::kEngineFailed, doing + ": " + cublasGetStatusString(status));
}

/// Zeros would run faster than data does.
std::vector<char> randomValues(const Type& type, size_t count) {
  std::vector<char> bytes(count * type.bytes);
  uint32_t state = 1;
  for (size_t i = 0; i < count; ++i) {
    state = state * 1664525U + 1013904223U;
    const float value = static_cast<float>(state >> 8) * 0x1p-23F - 1.0F;
    if (type.data == CUDA_R_32F)
      reinterpret_cast<float*>(bytes.data())[i] = value;
    else if (type.data == CUDA_R_16F)
      reinterpret_cast<__half*>(bytes.data())[i] = __float2half(value);
    else
      reinterpret_cast<__nv_bfloat16*>(bytes.data())[i] = __float2bfloat16(value);
  }
  return bytes;
}

void fill(const DeviceMemory& memory, size_t bytes, const std::vector<char>& values) {
  auto* start = static_cast<char*>(memory.data());
  size_t filled = std::min(values.size(), bytes);
  check(cudaMemcpy(start, values.data(), filled, cudaMemcpyHostToDevice), "filling memory of the device");
  for (; filled < bytes; filled += std::min(filled, bytes - filled)) {
    check(cudaMemcpy(start + filled, start, std::min(filled, bytes - filled), cudaMemcpyDeviceToDevice),
          "filling memory of the device");
  }
}

/// Rows of other lengths keep cuBLAS from the tensor cores; CIANNA pads, too.
int64_t padded(int64_t count) { return (count + 7) / 8 * 8; }

}  // namespace

std::vector<std::string> productTypes() {
  std::vector<std::string> names;
  for (const Type& type : kTypes) names.emplace_back(type.name);
  return names;
}

struct Products::State {
  cublasHandle_t handle = nullptr;
  const Type* filled = nullptr;
  std::vector<char> values;
};

Products::Products() : state_(std::make_unique<State>()) {
  checkBlas(cublasCreate(&state_->handle), "cuBLAS");
}

Products::~Products() { cublasDestroy(state_->handle); }

std::string Products::version() const {
  int version = 0;
  cublasGetVersion(state_->handle, &version);
  return std::to_string(version);
}

double Products::seconds(const Product& product, const std::string& name) {
  const Product p{product.name, padded(product.m), product.n, padded(product.k)};
  const Type* type =
      std::find_if(kTypes.begin(), kTypes.end(), [&](const Type& t) { return name == t.name; });
  if (type == kTypes.end()) throw OtfError(Code::kInvalidArgument, "no products in " + name);
  if (state_->filled != type) {
    state_->values = randomValues(*type, size_t{1} << 22);
    state_->filled = type;
  }
  const auto bytes = [&](int64_t rows, int64_t columns) {
    return static_cast<size_t>(rows * columns) * type->bytes;
  };
  const DeviceMemory a(bytes(p.m, p.k));
  const DeviceMemory b(bytes(p.k, p.n));
  const DeviceMemory c(bytes(p.m, p.n));
  fill(a, bytes(p.m, p.k), state_->values);
  fill(b, bytes(p.k, p.n), state_->values);
  const float one = 1;
  const float zero = 0;
  const __half halfOne = __float2half(1.0F);
  const __half halfZero = __float2half(0.0F);
  const bool half = type->compute == CUBLAS_COMPUTE_16F;
  const auto multiply = [&] {
    // Column-major, filters fastest: rows of filters and of positions are k long, as im2col lays them.
    checkBlas(
        cublasGemmEx(state_->handle, CUBLAS_OP_T, CUBLAS_OP_N, static_cast<int>(p.m), static_cast<int>(p.n),
                     static_cast<int>(p.k), half ? static_cast<const void*>(&halfOne) : &one, a.data(),
                     type->data, static_cast<int>(p.k), b.data(), type->data, static_cast<int>(p.k),
                     half ? static_cast<const void*>(&halfZero) : &zero, c.data(), type->data,
                     static_cast<int>(p.m), type->compute, CUBLAS_GEMM_DEFAULT),
        "a matrix product in " + name);
  };
  multiply();
  std::vector<double> times;
  for (int i = 0; i < 7; ++i) times.push_back(deviceSeconds(multiply));
  return median(std::move(times));
}

}  // namespace otf::kit
