#include "engine/tests/emulated_amx.h"

#include <immintrin.h>
#include <signal.h>
#include <ucontext.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "engine/cpu/tiles.h"
#include "engine/onednn/cpu.h"

namespace otf::test {
namespace {

// Source of what instructions look like and do: Intel SDM, volume 2, "AMX instruction set" and the pages of each.
constexpr int kTiles = 8;
constexpr int kRows = 16;
constexpr int kRowBytes = 64;
constexpr unsigned kFlushed = 0x8040;  // of MXCSR: denormals are zeros in and out

struct Tile {
  alignas(64) uint8_t row[kRows][kRowBytes];
};
/// Of a thread.
struct State {
  tiles::Config config;
  bool configured = false;
  Tile tile[kTiles];

  int rows(int t) const { return config.rows[t]; }
  int bytes(int t) const { return config.bytes[t]; }
};
thread_local State state;

/// What a CPU would end the process for.
[[noreturn]] void refuse(std::string_view why) {
  constexpr std::string_view kWho = "emulated AMX: ";
  for (const std::string_view part : {kWho, why, std::string_view("\n")}) {
    if (write(STDERR_FILENO, part.data(), part.size()) < 0) break;
  }
  _exit(70);
}
void require(bool holds, std::string_view why) {
  if (!holds) refuse(why);
}

/// Three bytes of VEX, opcode, ModRM and what follows it.
struct Instruction {
  const uint8_t* at;
  const greg_t* registers;

  bool isVex() const { return at[0] == 0xc4 && (at[1] & 0x1f) == 2; }
  int prefix() const { return at[2] & 3; }  // none, 66, f3, f2
  int third() const { return (~at[2] >> 3) & 15; }
  int opcode() const { return at[3]; }
  int mod() const { return at[4] >> 6; }
  int reg() const { return (at[4] >> 3) & 7; }
  int rm() const { return at[4] & 7; }
  bool hasSib() const { return mod() != 3 && rm() == 4; }
  int displacementBytes() const {
    if (mod() == 1) return 1;
    const bool noBase = mod() == 0 && (rm() == 5 || (hasSib() && (at[5] & 7) == 5));
    return mod() == 2 || noBase ? 4 : 0;
  }
  int length() const { return 5 + (hasSib() ? 1 : 0) + displacementBytes(); }

  int64_t general(int number) const {
    constexpr std::array<int, 16> kOrder = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP,
                                            REG_RSI, REG_RDI, REG_R8,  REG_R9,  REG_R10, REG_R11,
                                            REG_R12, REG_R13, REG_R14, REG_R15};
    return registers[kOrder[static_cast<size_t>(number)]];
  }
  int64_t displacement() const {
    const uint8_t* const from = at + length() - displacementBytes();
    if (displacementBytes() == 1) return static_cast<int8_t>(*from);
    int32_t value = 0;
    if (displacementBytes() == 4) std::memcpy(&value, from, sizeof(value));
    return value;
  }
  /// Without the index, which of rows of tiles is what lies between them.
  uint8_t* address() const {
    int64_t base = 0;
    if (mod() == 0 && rm() == 5) {
      base = reinterpret_cast<int64_t>(at) + length();
    } else if (!(mod() == 0 && hasSib() && (at[5] & 7) == 5)) {
      base = general((hasSib() ? at[5] & 7 : rm()) | ((at[1] & 0x20) != 0 ? 0 : 8));
    }
    return std::bit_cast<uint8_t*>(base + displacement());
  }
  int64_t stride() const {
    const int index = ((at[5] >> 3) & 7) | ((at[1] & 0x40) != 0 ? 0 : 8);
    return index == 4 ? 0 : general(index) << (at[5] >> 6);
  }
};

void configure(const Instruction& in) {
  std::memcpy(static_cast<void*>(&state.config), in.address(), sizeof(state.config));
  require(state.config.palette == 1 && state.config.startRow == 0, "a palette that is not 1");
  for (int t = 0; t < kTiles; ++t) {
    require(state.rows(t) <= kRows && state.bytes(t) <= kRowBytes &&
                (state.rows(t) == 0) == (state.bytes(t) == 0),
            "a tile of a size that there is not");
  }
  std::memset(static_cast<void*>(state.tile), 0, sizeof(state.tile));
  state.configured = true;
}

void move(const Instruction& in, bool load) {
  const int t = in.reg();
  require(in.hasSib(), "rows without SIB");
  uint8_t* at = in.address();
  if (load) std::memset(static_cast<void*>(&state.tile[t]), 0, sizeof(Tile));
  for (int r = 0; r < state.rows(t); ++r, at += in.stride()) {
    const auto bytes = static_cast<size_t>(state.bytes(t));
    if (load) {
      std::memcpy(state.tile[t].row[r], at, bytes);
    } else {
      std::memcpy(at, state.tile[t].row[r], bytes);
    }
  }
}

/// sums += a * b, of quads of bytes.
struct Product {
  Tile& sums;
  const Tile &a, &b;
  int rows, quads;
};
Product productOf(const Instruction& in) {
  const int sums = in.reg();
  const int a = in.rm();
  const int b = in.third();
  require(sums != a && sums != b && a != b, "a product of a tile with itself");
  require(state.rows(sums) == state.rows(a) && state.bytes(sums) == state.bytes(b) &&
              state.bytes(a) == 4 * state.rows(b) && state.bytes(a) % 4 == 0,
          "a product of tiles that do not fit each other");
  return {state.tile[sums], state.tile[a], state.tile[b], state.rows(sums), state.rows(b)};
}

__attribute__((target("avx512f"))) void multiplyPairs(const Product& p) {
  const unsigned before = _mm_getcsr();
  _mm_setcsr(before | kFlushed);
  const __m512i upper = _mm512_set1_epi32(static_cast<int>(0xffff0000U));
  for (int r = 0; r < p.rows; ++r) {
    __m512 first = _mm512_setzero_ps();
    __m512 second = _mm512_setzero_ps();
    for (int k = 0; k < p.quads; ++k) {
      int32_t pair = 0;
      std::memcpy(&pair, p.a.row[r] + k * 4, sizeof(pair));
      const __m512i a = _mm512_set1_epi32(pair);
      const __m512i b = _mm512_load_si512(p.b.row[k]);
      first = _mm512_fmadd_ps(_mm512_castsi512_ps(_mm512_slli_epi32(a, 16)),
                              _mm512_castsi512_ps(_mm512_slli_epi32(b, 16)), first);
      second = _mm512_fmadd_ps(_mm512_castsi512_ps(_mm512_and_si512(a, upper)),
                               _mm512_castsi512_ps(_mm512_and_si512(b, upper)), second);
    }
    float* const to = reinterpret_cast<float*>(p.sums.row[r]);
    _mm512_store_ps(to, _mm512_add_ps(_mm512_load_ps(to), _mm512_add_ps(first, second)));
  }
  _mm_setcsr(before);
}

void multiplyQuads(const Product& p) {
  for (int r = 0; r < p.rows; ++r) {
    int32_t sums[kRowBytes / 4];
    std::memcpy(sums, p.sums.row[r], sizeof(sums));
    for (int k = 0; k < p.quads; ++k) {
      for (int n = 0; n < kRowBytes / 4; ++n) {
        for (int i = 0; i < 4; ++i)
          sums[n] += int32_t{p.a.row[r][k * 4 + i]} * static_cast<int8_t>(p.b.row[k][n * 4 + i]);
      }
    }
    std::memcpy(p.sums.row[r], sums, sizeof(sums));
  }
}

/// False: none of AMX's.
bool execute(const Instruction& in) {
  if (!in.isVex()) return false;
  enum Prefix { kNone, k66, kF3, kF2 };
  if (in.opcode() == 0x49 && in.prefix() == kNone) {  // LDTILECFG, TILERELEASE
    if (in.mod() != 3) {
      configure(in);
    } else {
      state.configured = false;
    }
    return true;
  }
  require(state.configured, "an instruction before there is a configuration");
  if (in.opcode() == 0x49 && in.prefix() == kF2) {  // TILEZERO
    std::memset(static_cast<void*>(&state.tile[in.reg()]), 0, sizeof(Tile));
  } else if (in.opcode() == 0x4b && (in.prefix() == kF2 || in.prefix() == kF3)) {  // TILELOADD, TILESTORED
    move(in, in.prefix() == kF2);
  } else if (in.opcode() == 0x5c && in.prefix() == kF3) {  // TDPBF16PS
    multiplyPairs(productOf(in));
  } else if (in.opcode() == 0x5e && in.prefix() == k66) {  // TDPBUSD
    multiplyQuads(productOf(in));
  } else {
    return false;
  }
  return true;
}

void onIllegal(int number, siginfo_t*, void* context) {
  greg_t* const registers = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
  const Instruction in{std::bit_cast<const uint8_t*>(registers[REG_RIP]), registers};
  if (execute(in)) {
    registers[REG_RIP] += in.length();
  } else {
    signal(number, SIG_DFL);  // and once more
  }
}

}  // namespace

void provideAmx() {
  if (tiles::available() && tiles::bytesAvailable()) return;
  struct sigaction action = {};
  action.sa_sigaction = onIllegal;
  action.sa_flags = SA_SIGINFO;
  require(sigaction(SIGILL, &action, nullptr) == 0, "SIGILL cannot be handled");
}

AmxThere::AmxThere(bool winograd) {
  provideAmx();
  if (winograd) setenv("OTF_AMX_WINOGRAD", "1", 1);
  onednn::assumeAmx(true);
}
AmxThere::~AmxThere() {
  onednn::assumeAmx(false);
  unsetenv("OTF_AMX_WINOGRAD");
}

}  // namespace otf::test
