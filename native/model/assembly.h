// The checks both file kinds share: a network grows layer by layer, each one judged before its weights are read.
#pragma once

#include <optional>
#include <string>

#include "model/network.h"

namespace otf {

/// Parse CIANNA's activation string. nullopt when it is none of the five. Source: activ_functions.c, set_*_activ.
std::optional<Activation> parseActivation(std::string_view text);

/// Grows a Network. Every complaint is kModelMalformed: "layer 3 (conv), byte 1234: ...". One thread at a time.
class Assembly {
 public:
  Assembly(Shape trained, bool binary, size_t headerOffset);

  /// Where the layer about to be read starts; names it in complaints until the next call.
  void beginLayer(char tag, size_t offset);

  /// Check the layer's numbers against what flows into it. The weights are not there yet.
  /// Returns how many floats follow.
  int64_t admit(const ConvLayer& layer, size_t offset);
  int64_t admit(DenseLayer& layer, size_t offset);  // sets `inputs`
  int64_t admit(const GroupNormLayer& layer, size_t offset);
  void admit(const PoolLayer& layer, size_t offset);
  void admit(const LrnLayer& layer, size_t offset);

  /// Add the admitted layer with its weights.
  void append(Layer layer);

  /// The finished network. Throws when it has no layer.
  Network finish(size_t offset);

  [[noreturn]] void fail(size_t offset, const std::string& what) const;

 private:
  void requireSpatial(size_t offset) const;
  void checkWindow(size_t offset, const Triple& size, const Triple& stride, const Triple& padding) const;
  int64_t countOf(int64_t each, int64_t times, size_t offset) const;
  void checkActivation(size_t offset, const Activation& activation) const;
  void checkDropout(size_t offset, float rate, float bias) const;
  void checkYolo(size_t offset, const ConvLayer& layer) const;

  Network network_;
  LayerShape flow_;  // what the last appended layer gives at the trained size
  char tag_ = ' ';
};

/// Readers of the two file kinds.
Network parseBinaryNetwork(std::span<const std::byte> bytes);
Network parseTextNetwork(std::span<const std::byte> bytes);

/// Few enough values that every product of sizes stays inside 64 bits. Sides are positive and at most 2^24.
bool isTensorSize(const Shape& shape);

/// Output of one layer; `index` (from 1) names it in complaints. Throws kShapeMismatch.
LayerShape layerOutput(const Layer& layer, const LayerShape& input, size_t index);

}  // namespace otf
