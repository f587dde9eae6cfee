#include "engine/engine.h"

namespace otf {

int64_t Engine::outputValues(Extent extent) const {
  return inferShapes(network(), extent).back().shape.values();
}

}  // namespace otf
