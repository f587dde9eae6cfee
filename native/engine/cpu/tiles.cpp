#include "engine/cpu/tiles.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace otf::tiles {

#if defined(__x86_64__)
namespace {

// Source: Linux, Documentation/arch/x86/xstate.rst.
constexpr long kRequestPermission = 0x1023;  // ARCH_REQ_XCOMP_PERM
constexpr long kTileData = 18;               // XFEATURE_XTILEDATA
// Source: Intel SDM, CPUID leaf 7, EDX.
constexpr unsigned kAmxBf16 = 1U << 22;
constexpr unsigned kAmxTile = 1U << 24;
constexpr unsigned kAmxInt8 = 1U << 25;

/// Leaf 7, EDX.
unsigned features() {
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) == 0 ? 0 : d;
}

}  // namespace

bool available() {
  static const bool granted = [] {
    if ((features() & kAmxBf16) == 0 || (features() & kAmxTile) == 0) return false;
    return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
  }();
  return granted;
}

bool bytesAvailable() { return available() && (features() & kAmxInt8) != 0; }
#else
bool available() { return false; }
bool bytesAvailable() { return false; }
#endif

}  // namespace otf::tiles
