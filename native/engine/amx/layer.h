// Convolutions as products of tiles, for chains of strips.
#pragma once

#include <memory>

#include "engine/amx/product.h"
#include "engine/amx/weights.h"
#include "engine/strips/layer.h"

namespace otf::amx {

/// Whether a convolution may follow another in a chain.
bool canFollow(const Geometry& geometry);

/// Maps are bfloat16; floats where the source has one channel, and for what comes out.
class TileLayer final : public strips::Layer {
 public:
  TileLayer(std::shared_ptr<const Weights> weights, const Epilogue& epilogue)
      : weights_(std::move(weights)), epilogue_(epilogue) {}

  const Geometry& geometry() const override { return weights_->geometry(); }
  int64_t scratchBytes(int sourceWidth, int rows, int width) const override;
  void run(const strips::Map& source, int from, int rows, int width, char* scratch,
           const Target& target) const override;

 private:
  std::shared_ptr<const Weights> weights_;
  Epilogue epilogue_;
};

}  // namespace otf::amx
