// The plain meaning of every layer: simple loops, double accumulation, no library. What the fast engine is
// held against. Tensors of one item: C, D, H, W with W fastest. Source: docs/network-files.md; CIANNA 1.0 naiv/*.c.
#pragma once

#include <vector>

#include "model/network.h"

namespace otf::reference {

using Values = std::vector<float>;

/// Pre-activation values of one item, `inputBias` for the first layer's bias input.
Values convolve(const ConvLayer& layer, const Shape& input, const Shape& output, const Values& x, float bias);
Values pool(const PoolLayer& layer, const Shape& input, const Shape& output, const Values& x);
/// `x` holds layer.inputs values, the bias node included.
Values dense(const DenseLayer& layer, const Values& x);
Values groupNorm(const GroupNormLayer& layer, const Shape& shape, const Values& x);
Values lrn(const LrnLayer& layer, const Shape& shape, const Values& x);

/// In place. `biasNode`: the last value is a dense layer's bias node, which all but LIN set to 0.
void activate(const Activation& activation, bool biasNode, Values& x);

}  // namespace otf::reference
