// AMX: eight tile registers of 16 rows of 64 bytes, and products of whole tiles. In assembly, for the compilers' own
// functions of this name leave out what of memory they read (GCC 12 hands ldtilecfg a configuration it has not written yet).
#pragma once

#include <cstdint>

namespace otf::tiles {

/// Asks the kernel for the registers, once for the process. False where CPU, kernel or compiler target have none.
bool available();
/// And products of bytes.
bool bytesAvailable();

#if defined(__x86_64__)

/// Rows and bytes per row of each register.
struct alignas(64) Config {
  uint8_t palette = 1, startRow = 0;
  uint8_t reserved[14] = {};
  uint16_t bytes[16] = {};
  uint8_t rows[16] = {};
};

/// Of the calling thread, until release().
inline void configure(const Config& config) { asm volatile("ldtilecfg %0" : : "m"(config) : "memory"); }
inline void release() { asm volatile("tilerelease" : : : "memory"); }

template <int kTile>
void load(const void* from, int64_t stride) {
  asm volatile("tileloadd (%0,%1,1), %%tmm%c2" : : "r"(from), "r"(stride), "i"(kTile) : "memory");
}
template <int kTile>
void store(void* to, int64_t stride) {
  asm volatile("tilestored %%tmm%c2, (%0,%1,1)" : : "r"(to), "r"(stride), "i"(kTile) : "memory");
}
template <int kTile>
void zero() {
  asm volatile("tilezero %%tmm%c0" : : "i"(kTile));
}
/// sums += a * b: bfloat16 pairs into float.
template <int kSums, int kA, int kB>
void multiply() {
  asm volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(kSums), "i"(kA), "i"(kB));
}
/// sums += a * b: quads of unsigned with signed bytes into 32-bit integers.
template <int kSums, int kA, int kB>
void multiplyBytes() {
  asm volatile("tdpbusd %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(kSums), "i"(kA), "i"(kB));
}

#endif

}  // namespace otf::tiles
