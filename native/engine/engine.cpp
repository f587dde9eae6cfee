#include "engine/engine.h"

#include "error/error.h"

namespace otf {

void requireBatch(int batch) {
  if (batch < 1)
    throw OtfError(Code::kInvalidArgument, "batch size " + std::to_string(batch) + " is not positive");
}

int64_t Engine::outputValues(Extent extent) const {
  return inferShapes(network(), extent).back().shape.values();
}

}  // namespace otf
