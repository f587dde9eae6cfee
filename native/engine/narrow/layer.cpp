#include "engine/narrow/layer.h"

#include "engine/narrow/gather.h"

namespace otf::narrow {

bool canFollow(const Geometry& g, Element element) {
  return readingOf(g, element) == Reading::kDirect && g.readsOnce();
}

int64_t NarrowLayer::scratchBytes(int sourceWidth, int rows, int width) const {
  return gatherBytes(*weights_, unit_, sourceWidth, rows, width);
}

void NarrowLayer::run(const strips::Map& source, int from, int rows, int width, char* scratch,
                      const Target& target) const {
  const Operand operand = gather(*weights_, unit_, source, from, rows, width, scratch);
  const auto multiply = unit_ == Unit::kAmx ? multiplyRowsOnTiles : multiplyRowsOnVectors;
  multiply(*weights_, epilogue_, operand, rows, width, target, target_.get());
}

}  // namespace otf::narrow
