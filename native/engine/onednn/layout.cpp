#include "engine/onednn/layout_query.h"

namespace otf::onednn {

std::optional<Layout> layoutOf(const Desc& desc) {
  const Blocking blocking = blockingOf(desc);
  if (!blocking.plainOrBlocked || blocking.dims.size() < 2 || blocking.innerBlocks.size() > 1)
    return std::nullopt;
  Layout layout;
  layout.batch = static_cast<int>(blocking.dims[0]);
  layout.channels = static_cast<int>(blocking.dims[1]);
  for (size_t axis = 2; axis < blocking.dims.size(); ++axis) layout.map *= blocking.dims[axis];
  if (!blocking.innerBlocks.empty()) {
    if (blocking.innerIndices[0] != 1) return std::nullopt;
    layout.block = static_cast<int>(blocking.innerBlocks[0]);
  } else {
    // A single channel or a single position makes both plain orders the same memory; strides of such axes say nothing.
    layout.block = layout.channels > 1 && blocking.strides[1] == 1 ? layout.channels : 1;
  }
  int64_t stride = layout.block;
  for (size_t axis = blocking.dims.size(); axis-- > 2;) {
    if (blocking.dims[axis] > 1 && blocking.strides[axis] != stride) return std::nullopt;
    stride *= blocking.dims[axis];
  }
  if (layout.blocks() > 1 && blocking.strides[1] != stride) return std::nullopt;
  if (layout.batch > 1 && blocking.strides[0] != layout.itemStride()) return std::nullopt;
  return layout;
}

bool sameMemory(const Desc& a, const Desc& b) {
  if (a == b) return true;
  if (typeOf(a) != typeOf(b)) return false;
  const auto la = layoutOf(a);
  const auto lb = layoutOf(b);
  return la && lb && la->batch == lb->batch && la->channels == lb->channels && la->map == lb->map &&
         la->block == lb->block;
}

}  // namespace otf::onednn
