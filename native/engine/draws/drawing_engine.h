// Monte Carlo dropout beside the usual pass: how far the network's own values scatter (docs/detection.md).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "engine/engine.h"

namespace otf {

/// Of one item, one after another: the usual output; mean and standard deviation over the draws, of values as they are
/// activated (EngineOptions::rawOutput): position within the cell and logarithm of the size, whose moments are those of what
/// the network scatters, where moments of edges would mix the two.
constexpr int kDrawnParts = 3;

/// Whether draws of the network differ: a layer with dropout.
bool hasDropout(const Network& network);

using MakeEngine = std::function<std::unique_ptr<Engine>(const EngineOptions&)>;

struct Draws {
  int repeats = 0;
  uint64_t seed = 1;
};

/// An engine whose forward() gives items of kDrawnParts outputs (outputValues() is that of one). `make` gives the one below it.
/// The masks of a draw are the same for every item: what an item gives does not depend on its batch. Throws kModelUnsupported
/// for a network without dropout.
std::unique_ptr<Engine> createDrawingEngine(const Draws& draws, const EngineOptions& options,
                                            const MakeEngine& make);

}  // namespace otf
