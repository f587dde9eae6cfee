#include "detect/config_check.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <tuple>

#include "detect/normalise.h"
#include "error/error.h"

namespace otf {
namespace {

[[noreturn]] void fail(const std::string& message) {
  throw OtfError(Code::kDetectorConfig, "model card, detector: " + message);
}

void require(bool holds, const std::string& message) {
  if (!holds) fail(message);
}

std::string counts(size_t given, int expected, const char* of) {
  return std::to_string(given) + " given, the network has " + std::to_string(expected) + " " + of;
}

bool allFinite(const std::vector<float>& values) {
  return std::all_of(values.begin(), values.end(), [](float v) { return std::isfinite(v); });
}

void checkLimits(const std::vector<float>& limits, const std::vector<float>& objectness,
                 const char* limitName, const char* objectnessName) {
  const std::string names = std::string(limitName) + " and " + objectnessName;
  require(limits.size() == objectness.size(), names + " must have the same length, not " +
                                                  std::to_string(limits.size()) + " and " +
                                                  std::to_string(objectness.size()));
  require(allFinite(limits) && allFinite(objectness), names + " must be finite numbers");
}

void checkTiles(const DetectorConfig& config, const YoloHead& head) {
  require(config.tilePx >= 1 && config.gridElementPx >= 1, "tile and grid element must be at least 1 pixel");
  require(config.tilePx % config.gridElementPx == 0, "tile " + std::to_string(config.tilePx) +
                                                         " is not a multiple of the grid element " +
                                                         std::to_string(config.gridElementPx));
  require(config.overlapPx >= 0 && config.overlapPx < config.tilePx,
          "overlap " + std::to_string(config.overlapPx) + " must be within 0.." +
              std::to_string(config.tilePx - 1) + " (below the tile side)");
  constexpr int64_t kLargest = std::numeric_limits<int32_t>::max();
  const int64_t grid = config.tilePx / config.gridElementPx;
  require(int64_t{config.tilePx} * config.tilePx <= kLargest && grid * grid <= kLargest / head.planes(),
          "a tile of " + std::to_string(config.tilePx) + " pixels is too large");
}

void checkParameters(const DetectorConfig& config, const YoloHead& head) {
  require(config.parameters.size() == static_cast<size_t>(head.parameters),
          "parameters: " + counts(config.parameters.size(), head.parameters, "parameters"));
  const size_t most = std::tuple_size_v<decltype(Box::parameters)>;
  require(config.parameters.size() <= most,
          "more than " + std::to_string(most) + " parameters are not supported");
  int cosines = 0, sines = 0;
  for (const ParameterSpec& p : config.parameters) {
    cosines += p.scale == ParameterSpec::Scale::kCos;
    sines += p.scale == ParameterSpec::Scale::kSin;
    require(std::isfinite(p.max) && std::isfinite(p.min),
            "the limits of parameter " + p.column + " must be finite");
  }
  require(cosines == sines && cosines <= 1, "a position angle needs one cos and one sin parameter");
}

}  // namespace

void checkDetectorConfig(const DetectorConfig& config, const YoloHead& head) {
  require(head.boxes >= 1 && head.classes >= 0 && head.parameters >= 0, "the network's YOLO head has no box");
  checkTiles(config, head);
  require(config.objectnessThreshold.size() == static_cast<size_t>(head.boxes),
          "objectness thresholds: " + counts(config.objectnessThreshold.size(), head.boxes, "boxes"));
  require(allFinite(config.objectnessThreshold), "objectness thresholds must be finite numbers");
  require(std::isfinite(config.minBoxPx) && config.minBoxPx > 0, "min_box must be above 0");
  require(std::isfinite(config.secondIou), "second_iou must be a finite number");
  require(config.dropEdgeTiles >= 0, "drop_edge_tiles must be at least 0");
  checkLimits(config.medianLimit, config.medianObjectness, "median_limit", "median_objectness");
  checkLimits(config.firstIou, config.firstObjectness, "iou", "objectness");
  checkParameters(config, head);
  checkNormalisation(config.normalise);
}

void checkDetectorNetwork(const DetectorConfig& config, const Network& network) {
  const YoloHead* head = network.yolo();
  if (!head) fail("the network does not end in a YOLO layer, so it is no detector");
  checkDetectorConfig(config, *head);
  if (network.trained.c != 1) {
    throw OtfError(Code::kShapeMismatch, "the network takes " + std::to_string(network.trained.c) +
                                             " channels, an image plane has 1");
  }
  const Extent tile{config.tilePx, config.tilePx, 1};
  const Shape output = inferShapes(network, tile).back().shape;
  const int grid = config.tilePx / config.gridElementPx;
  require(output.extent == Extent{grid, grid, 1} && output.c == head->planes(),
          "for tiles of " + std::to_string(config.tilePx) + " pixels the network has " +
              std::to_string(output.extent.w) + " x " + std::to_string(output.extent.h) +
              " cells, a grid element of " + std::to_string(config.gridElementPx) + " pixels means " +
              std::to_string(grid) + " x " + std::to_string(grid));
}

}  // namespace otf
