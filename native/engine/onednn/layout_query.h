// Read a Layout off a oneDNN descriptor. Included by .cpp files of this room only.
#pragma once

#include "engine/onednn/compat.h"
#include "engine/onednn/layout.h"

namespace otf::onednn {

/// nullopt: a layout our kernels do not walk (two inner blocks, strided, opaque); reorder it first.
std::optional<Layout> layoutOf(const Desc& desc);

/// Whether two descriptors mean the same order of the same elements.
bool sameMemory(const Desc& a, const Desc& b);

/// Compute types are FP32 and BF16, and so is everything that flows, but for bytes between convolutions that are done in INT8.
inline ElementType elementType(dnnl::memory::data_type type) {
  return type == dnnl::memory::data_type::bf16 ? ElementType::kBf16 : ElementType::kFloat;
}

}  // namespace otf::onednn
