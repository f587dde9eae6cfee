// The commands of otf-kit: what an engine gives and costs on this machine, written down.
#pragma once

#include "kit/arguments.h"

namespace otf::kit {

/// The GPU that the driver shows first; that there is none is an answer, too.
int device(const Arguments& arguments);

/// Every engine, present or not, with its compute types. --names yes: only "NAME TYPE TYPE ..." of those present.
int engines(const Arguments& arguments);

/// The networks of a folder on one engine in one compute type, against their stored outputs, at batches of 9, 4 and 1.
/// Returns 1 when a network is outside the tolerance or fails.
int conformance(const Arguments& arguments);

/// Tiles per second of one engine in one compute type on one network, at each of --batches, with the device's memory
/// and power. Returns 1 when no batch could be measured.
int bench(const Arguments& arguments);

}  // namespace otf::kit
