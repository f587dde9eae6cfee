#include "reconstruct/reach.h"

#include <string>

#include "error/error.h"

namespace otf {
namespace {

[[noreturn]] void refuse(size_t layer, const std::string& what) {
  throw OtfError(Code::kReconstructorConfig, "layer " + std::to_string(layer + 1) + " " + what);
}

}  // namespace

NetworkReach reconstructorReach(const Network& network, int channels) {
  if (network.trained.c != channels) {
    throw OtfError(Code::kReconstructorConfig, "the network takes " + std::to_string(network.trained.c) +
                                                   " channels, a reconstruction has " +
                                                   std::to_string(channels));
  }
  NetworkReach reach;
  for (size_t i = 0; i < network.layers.size(); ++i) {
    const auto* conv = std::get_if<ConvLayer>(&network.layers[i]);
    if (!conv) refuse(i, "is no convolution: a reconstruction would depend on how the cube is cut");
    for (size_t axis = 0; axis < 3; ++axis) {
      if (conv->stride[axis] != 1 || conv->intPadding[axis] != 0 ||
          conv->size[axis] != 2 * conv->padding[axis] + 1)
        refuse(i, "changes the size of its input");
    }
    if (conv->activation.kind == ActivationKind::kSoftmax || conv->activation.kind == ActivationKind::kYolo)
      refuse(i, "has the activation " + activationString(conv->activation));
    reach.x += conv->padding[0];
    reach.y += conv->padding[1];
    reach.t += conv->padding[2];
  }
  const auto* last = network.layers.empty() ? nullptr : std::get_if<ConvLayer>(&network.layers.back());
  if (!last || last->filters != 1) refuse(network.layers.size() - 1, "does not give one image per frame");
  return reach;
}

}  // namespace otf
