// How far a network of convolutions looks.
#pragma once

#include "model/network.h"

namespace otf {

/// Elements to each side an output depends on.
struct NetworkReach {
  int x = 0, y = 0, t = 0;
};

/// Of a network that turns cubes of `channels` images into one of the same shape. Throws kReconstructorConfig, naming the
/// layer, for any other: stride, no padding to the same size, layers that see a whole tile (their output would depend on
/// the tiling), another number of channels.
NetworkReach reconstructorReach(const Network& network, int channels);

}  // namespace otf
