#include "engine/onednn/cpu.h"

#include "engine/cpu/cpu.h"
#include "engine/onednn/compat.h"

namespace otf::onednn {
namespace {

dnnl::cpu_isa isa() { return dnnl::get_effective_cpu_isa(); }

const char* vectorUnit() {
  switch (isa()) {
    case dnnl::cpu_isa::sse41:
      return "SSE4.1";
    case dnnl::cpu_isa::avx:
      return "AVX";
    case dnnl::cpu_isa::avx2:
      return "AVX2";
    case dnnl::cpu_isa::avx2_vnni:
      return "AVX2";
    default:
      return "AVX-512";
  }
}

}  // namespace

std::string libraryVersion() {
  const dnnl_version_t* v = dnnl_version();
  return std::to_string(v->major) + "." + std::to_string(v->minor) + "." + std::to_string(v->patch);
}

bool hasBf16() {
#if defined(__x86_64__)
  // oneDNN's own order: every level from avx512_core_bf16 up includes the one before.
  return static_cast<int>(isa()) >= static_cast<int>(dnnl::cpu_isa::avx512_core_bf16) &&
         isa() != dnnl::cpu_isa::avx2_vnni;
#else
  return false;
#endif
}

ComputeType effectiveType(ComputeType asked) {
  return asked == ComputeType::kBf16cFp32a && hasBf16() ? ComputeType::kBf16cFp32a : ComputeType::kFp32cFp32a;
}

std::string describeCpu() {
  std::string name = cpuName();
#if defined(__x86_64__)
  name += std::string(" (") + vectorUnit() + (hasBf16() ? ", BF16)" : ")");
#endif
  return name;
}

}  // namespace otf::onednn
