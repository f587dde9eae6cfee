// What a network's values were between its layers on example images: ranges for computing in 8 bits.
#pragma once

#include <cstddef>
#include <filesystem>
#include <mutex>
#include <string>
#include <vector>

#include "model/network.h"

namespace otf {

/// Of a layer's channels; none where they were not measured.
struct ChannelRanges {
  std::vector<float> low, high;
  bool operator==(const ChannelRanges&) const = default;
};

struct Calibration {
  /// Convolutions, from the first on, that stay in BF16.
  int leading = 0;
  std::vector<ChannelRanges> layers;  // of what comes out of each layer of the network
  bool operator==(const Calibration&) const = default;
};

/// Lines of text, exact. Source: docs/models.md, "INT8".
std::string calibrationText(const Calibration& calibration);
/// Throws kModelMalformed, naming the line, for what is no calibration, or not one of this network.
Calibration parseCalibration(const std::string& text, const Network& network);
/// Throws kModelUnreadable as well; messages begin with the path. `sha256`: as readNetwork has it.
Calibration readCalibration(const std::filesystem::path& path, const Network& network,
                            const std::string& sha256 = {});

/// Takes ranges from several threads.
class RangeNotes {
 public:
  void note(size_t layer, const ChannelRanges& seen);
  std::vector<ChannelRanges> ranges() const;

 private:
  mutable std::mutex mutex_;
  std::vector<ChannelRanges> layers_;
};

}  // namespace otf
