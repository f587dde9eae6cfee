#include "engine/cuda/emulation/warp.h"

#include <bit>
#include <cstring>
#include <deque>
#include <vector>

#include "engine/cuda/emulation/collective.h"
#include "engine/cuda/emulation/cuda.h"
#include "engine/cuda/emulation/shared_memory.h"
#include "engine/cuda/numbers/numbers.h"

namespace otf::emulation {
namespace {

struct Load {
  uint32_t* fragments;
  const unsigned char* row;
};

/// ldmatrix.x4: lanes 8i..8i+7 bring the rows of matrix i; lane l gets bytes 4*(l%4).. of row l/4 of each.
void loadAll(const std::array<void*, kLanes>& lanes) {
  const unsigned base = position.thread.x / kLanes * kLanes;
  for (size_t l = 0; l < kLanes; ++l)
    noteRead(base + static_cast<unsigned>(l), static_cast<Load*>(lanes[l])->row, 16);
  for (size_t l = 0; l < kLanes; ++l) {
    for (size_t i = 0; i < 4; ++i) {
      const unsigned char* row = static_cast<Load*>(lanes[i * 8 + l / 4])->row;
      std::memcpy(&static_cast<Load*>(lanes[l])->fragments[i], row + l % 4 * 4, 4);
    }
  }
}

struct Product {
  float* sums;
  const uint32_t* a;
  const uint32_t* b;
};

template <MmaType type>
float element(uint32_t bits, int part) {
  if constexpr (type == MmaType::kTf32) {
    // The tensor cores leave out what tf32 has no room for.
    return std::bit_cast<float>(bits & ~0x1fffU);
  } else {
    const auto half = static_cast<uint16_t>(bits >> (16 * part));
    return type == MmaType::kHalf ? cuda::halfValue(half) : cuda::bfloatValue(half);
  }
}

/// mma.m16n8k16 of 16-bit types, mma.m16n8k8 of tf32: the same bytes in the same registers.
template <MmaType type>
void multiplyAll(const std::array<void*, kLanes>& lanes) {
  constexpr size_t kParts = type == MmaType::kTf32 ? 1 : 2;
  constexpr size_t kDepth = 8 * kParts;
  float a[16][16];
  float b[8][16];
  for (size_t l = 0; l < kLanes; ++l) {
    const auto& product = *static_cast<Product*>(lanes[l]);
    const size_t group = l / 4;
    const size_t column = l % 4 * kParts;
    for (size_t part = 0; part < kParts; ++part) {
      const int p = static_cast<int>(part);
      a[group][column + part] = element<type>(product.a[0], p);
      a[group + 8][column + part] = element<type>(product.a[1], p);
      a[group][column + part + kDepth / 2] = element<type>(product.a[2], p);
      a[group + 8][column + part + kDepth / 2] = element<type>(product.a[3], p);
      b[group][column + part] = element<type>(product.b[0], p);
      b[group][column + part + kDepth / 2] = element<type>(product.b[1], p);
    }
  }
  for (size_t l = 0; l < kLanes; ++l) {
    float* sums = static_cast<Product*>(lanes[l])->sums;
    for (size_t i = 0; i < 4; ++i) {
      const size_t row = l / 4 + i / 2 * 8;
      const size_t column = l % 4 * 2 + i % 2;
      float sum = sums[i];
      for (size_t k = 0; k < kDepth; ++k) sum += a[row][k] * b[column][k];
      sums[i] = sum;
    }
  }
}

struct Copy {
  void* shared;
  const void* global;
  bool valid;
};
struct Copies {
  std::vector<Copy> open;
  std::deque<std::vector<Copy>> committed;
};
std::vector<Copies> copies;

Copies& mine() {
  const size_t self = position.thread.x;
  if (copies.size() <= self) copies.resize(self + 1);
  return copies[self];
}

constexpr size_t kCopyBytes = 16;

}  // namespace

void loadMatrices(uint32_t (&fragments)[4], const void* row) {
  static const char kind = 0;
  Load load{fragments, static_cast<const unsigned char*>(row)};
  together(&kind, &load, loadAll);
}

void multiply(MmaType type, float (&sums)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
  static const char kind = 0;
  const uint32_t b[2] = {b0, b1};
  Product product{sums, a, b};
  switch (type) {
    case MmaType::kHalf:
      return together(&kind, &product, multiplyAll<MmaType::kHalf>);
    case MmaType::kBFloat:
      return together(&kind, &product, multiplyAll<MmaType::kBFloat>);
    case MmaType::kTf32:
      return together(&kind, &product, multiplyAll<MmaType::kTf32>);
  }
}

void copyAsync(void* shared, const void* global, bool valid) {
  // From now on the copy may land at any time.
  noteWrite(position.thread.x, shared, kCopyBytes);
  mine().open.push_back({shared, global, valid});
}

void commitCopies() {
  Copies& all = mine();
  all.committed.push_back(std::move(all.open));
  all.open.clear();
}

void waitForCopies(int left) {
  Copies& all = mine();
  while (all.committed.size() > static_cast<size_t>(left)) {
    for (const Copy& copy : all.committed.front()) {
      noteWrite(position.thread.x, copy.shared, kCopyBytes);
      if (copy.valid)
        std::memcpy(copy.shared, copy.global, kCopyBytes);
      else
        std::memset(copy.shared, 0, kCopyBytes);
    }
    all.committed.pop_front();
  }
}

void forgetCopies() {
  for (const Copies& each : copies) {
    if (each.open.empty() && each.committed.empty()) continue;
    for (const auto& group : each.committed)
      if (!group.empty()) return fault("a block ended with copies under way"), copies.clear();
  }
  copies.clear();
}

}  // namespace otf::emulation
