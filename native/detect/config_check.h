// Whether a model card's detector section fits the network it names.
#pragma once

#include "detect/detector.h"
#include "model/network.h"

namespace otf {

/// The section against itself and against the head. Throws kDetectorConfig naming the field.
void checkDetectorConfig(const DetectorConfig& config, const YoloHead& head);

/// The network can do what the section says: it ends in a YOLO head (kDetectorConfig), takes one channel and
/// a plane (kShapeMismatch), and gives one grid cell per gridElementPx (kDetectorConfig).
void checkDetectorNetwork(const DetectorConfig& config, const Network& network);

}  // namespace otf
