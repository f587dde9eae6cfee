#include "engine/onednn/cpu.h"

#include <atomic>
#include <cstdlib>
#include <string_view>

#include "engine/cpu/cpu.h"
#include "engine/cpu/tiles.h"
#include "engine/onednn/compat.h"

namespace otf::onednn {
namespace {

std::atomic<bool> assumedAmx = false;

dnnl::cpu_isa isa() { return dnnl::get_effective_cpu_isa(); }

roofline::Unit vectorUnit() {
  if (hasAvx512()) return roofline::Unit::kAvx512;
  return static_cast<int>(isa()) >= static_cast<int>(dnnl::cpu_isa::avx2) ? roofline::Unit::kAvx2
                                                                          : roofline::Unit::kSse;
}

}  // namespace

std::string libraryVersion() {
  const dnnl_version_t* v = dnnl_version();
  return std::to_string(v->major) + "." + std::to_string(v->minor) + "." + std::to_string(v->patch);
}

bool hasAvx512() {
#if defined(__x86_64__)
  // oneDNN's order; levels above AVX2 without AVX-512 have other numbers in each version, but for that of avx2_vnni.
  return static_cast<int>(isa()) >= static_cast<int>(dnnl::cpu_isa::avx512_core) &&
         isa() != dnnl::cpu_isa::avx2_vnni;
#else
  return false;
#endif
}

bool hasBf16() {
#if defined(__x86_64__)
  // The same order: every level from avx512_core_bf16 up includes the one before.
  return static_cast<int>(isa()) >= static_cast<int>(dnnl::cpu_isa::avx512_core_bf16) &&
         isa() != dnnl::cpu_isa::avx2_vnni;
#else
  return false;
#endif
}

void assumeAmx(bool there) { assumedAmx = there; }

bool hasAmx() {
#if defined(__x86_64__)
  if (assumedAmx) return true;
  // And again; ONEDNN_MAX_CPU_ISA lowers it for our own kernels too.
  return hasBf16() && static_cast<int>(isa()) >= static_cast<int>(dnnl::cpu_isa::avx512_core_amx) &&
         tiles::available();
#else
  return false;
#endif
}

bool hasInt8() {
#if defined(__x86_64__)
  return static_cast<int>(isa()) >= static_cast<int>(dnnl::cpu_isa::avx512_core_vnni) && hasAvx512();
#else
  return false;
#endif
}

Unit narrowUnit(narrow::Element element) {
  const bool tiles = hasAmx() && (element == narrow::Element::kBf16 || tiles::bytesAvailable() || assumedAmx);
  return tiles ? Unit::kAmx : Unit::kVectors;
}

bool winogradOnAmx() {
  const char* const asked = std::getenv("OTF_AMX_WINOGRAD");
  return asked != nullptr && std::string_view(asked) == "1";
}

roofline::Unit unitFor(ComputeType type) {
  const auto isAmx = [](narrow::Element element) { return narrowUnit(element) == Unit::kAmx; };
  if (type == ComputeType::kInt8cInt32a)
    return isAmx(narrow::Element::kInt8) ? roofline::Unit::kAmxInt8 : roofline::Unit::kAvx512Int8;
  if (type != ComputeType::kBf16cFp32a) return vectorUnit();
  return isAmx(narrow::Element::kBf16) ? roofline::Unit::kAmxBf16 : roofline::Unit::kAvx512Bf16;
}

ComputeType effectiveType(ComputeType asked) {
  if (asked == ComputeType::kInt8cInt32a && hasInt8()) return asked;
  return asked == ComputeType::kBf16cFp32a && hasBf16() ? ComputeType::kBf16cFp32a : ComputeType::kFp32cFp32a;
}

std::string describeCpu() {
  std::string name = cpuName();
#if defined(__x86_64__)
  name += std::string(" (") + roofline::unitName(vectorUnit());
  name += hasAmx() ? ", BF16, AMX)" : (hasBf16() ? ", BF16)" : ")");
#endif
  return name;
}

}  // namespace otf::onednn
