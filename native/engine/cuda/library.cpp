#include "engine/cuda/library.h"

#include <dlfcn.h>
#include <unistd.h>

#include "cuda_build.h"
#include "error/error.h"
#include "process/spawn.h"

namespace otf::host {
namespace {

[[noreturn]] void unavailable(const std::string& reason) { throw OtfError(Code::kEngineUnavailable, reason); }

/// First, for the plainest of reasons: without a driver nothing else matters.
void requireDriver() {
  void* driver = ::dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  if (driver == nullptr) unavailable("no NVIDIA driver here (libcuda.so.1)");
}

}  // namespace

const OtfCudaApi& cudaLibrary() {
  const std::string path = process::programPath("OTF_CUDA_LIBRARY", "libotf_cuda.so");
  if (::access(path.c_str(), R_OK) != 0) {
    const std::string why = OTF_CUDA_REASON;
    unavailable(why.empty() ? path + " is not there: build again" : why);
  }
  requireDriver();
  void* library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) unavailable(std::string("the CUDA engine cannot be loaded: ") + ::dlerror());
  const auto entry = reinterpret_cast<OtfCudaEntry>(::dlsym(library, OTF_CUDA_ENTRY));
  if (entry == nullptr) unavailable(path + " is not this program's CUDA library");
  const OtfCudaApi* api = entry();
  if (api->abi != OTF_CUDA_ABI)
    unavailable(path + " belongs to another version of this program: build again");
  return *api;
}

}  // namespace otf::host
