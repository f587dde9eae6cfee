// Convolutions of narrow values, for chains of strips.
#pragma once

#include <memory>

#include "engine/narrow/product.h"
#include "engine/narrow/weights.h"
#include "engine/strips/layer.h"

namespace otf::narrow {

/// Whether a convolution may follow another in a chain.
bool canFollow(const Geometry& geometry, Element element);

/// Sources are what is multiplied; floats where they have one channel. In bytes also bfloat16, or floats of any number, where
/// the layer is a chain's first. What comes out is any; bytes as `target` says.
class NarrowLayer final : public strips::Layer {
 public:
  NarrowLayer(std::shared_ptr<const Weights> weights, Unit unit, const Epilogue& epilogue,
              std::shared_ptr<const Quantised> target = nullptr)
      : weights_(std::move(weights)), unit_(unit), epilogue_(epilogue), target_(std::move(target)) {}

  const Geometry& geometry() const override { return weights_->geometry(); }
  int64_t scratchBytes(int sourceWidth, int rows, int width) const override;
  void run(const strips::Map& source, int from, int rows, int width, char* scratch,
           const Target& target) const override;

 private:
  std::shared_ptr<const Weights> weights_;
  Unit unit_;
  Epilogue epilogue_;
  std::shared_ptr<const Quantised> target_;
};

}  // namespace otf::narrow
