#include "engine/amx/layer.h"

#include "engine/amx/gather.h"

namespace otf::amx {

bool canFollow(const Geometry& g, Element element) {
  return readingOf(g, element) == Reading::kDirect && g.readsOnce();
}

int64_t TileLayer::scratchBytes(int sourceWidth, int rows, int width) const {
  return gatherBytes(*weights_, sourceWidth, rows, width);
}

void TileLayer::run(const strips::Map& source, int from, int rows, int width, char* scratch,
                    const Target& target) const {
  multiplyRows(*weights_, epilogue_, gather(*weights_, source, from, rows, width, scratch), rows, width,
               target, target_.get());
}

}  // namespace otf::amx
