// One image's way from pixels to a catalogue, in pieces that may run in different threads or processes.
//
//   open ──► fillTiles(first, count) ──► (a forward pass of any engine) ──► consume(first, count) ──► finish
//            one thread, forward only                                       any threads, any order     once, at the end
//
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "detect/detector.h"
#include "detect/header_review.h"
#include "detect/normalise.h"
#include "detect/region.h"
#include "detect/tiling.h"
#include "fits/fits.h"
#include "model/network.h"
#include "sky/wcs.h"

namespace otf {

/// Busy seconds per stage. Stages overlap and select runs in several threads, so they do not add up to `wall`.
struct StageSeconds {
  double load = 0;     // reading pixels, for limits and tiles
  double limits = 0;   // clip limits from the image, without reading
  double prepare = 0;  // normalise and cut into tiles
  double infer = 0;
  double select = 0;    // selection and first suppression
  double suppress = 0;  // second suppression
  double catalogue = 0;
  double wall = 0;
};

struct DetectionResult {
  std::vector<Source> sources;
  TileLayout layout;
  int64_t selected = 0, afterFirst = 0;               // boxes before and after the first suppression
  PixelCounts pixels;                                 // of the region
  std::vector<std::pair<double, double>> clipLimits;  // of each clip of the normalisation, as used
  std::optional<SkyFrame> frame;                      // absent: no celestial WCS, pixel positions only
  std::vector<std::string> warnings;                  // one line each
  StageSeconds seconds;
};

class DetectionTask {
 public:
  /// `config` must fit `head` (kDetectorConfig). `pixelUnit`: in place of BUNIT, "" = BUNIT counts. Throws as
  /// reviewHeader, resolveRegion and layoutTiles, kOutOfMemory. Reads the header only.
  DetectionTask(FitsImage image, const RegionRequest& region, DetectorConfig config, YoloHead head,
                const std::string& pixelUnit = {});
  ~DetectionTask();

  const HeaderReview& header() const;
  const FitsInfo& image() const { return header().info; }
  const DetectorConfig& config() const;
  const YoloHead& head() const;
  const TileLayout& layout() const;
  int64_t tileCount() const { return layout().tiles(); }
  /// Values of the network per tile.
  int64_t outputValues() const;

  /// Checked between row bands; must outlive the task's work. Call before fillTiles.
  void setCancel(const std::atomic<bool>* cancel);

  /// What filling will take at most, known from the header: the rows of pixels that one row of tiles needs.
  int64_t memoryBytes() const;

  /// Reads what the next tiles need, which may take as long as a disk or a decoder takes. Gives how many tiles fillTiles
  /// can then write from memory, from the first that has not been filled: the rest of a row of tiles. Throws as
  /// fillTiles.
  int64_t prepareTiles();

  /// Tiles [first, first+count) to out[count][tilePx][tilePx]. One thread at a time, forward only; the first
  /// call takes the clip limits from the image if the card asks for it. Throws kImageBlank with the last tile at
  /// the latest when no pixel of the region has a value other than 0, kCancelled, and as FitsImage::readWindow.
  void fillTiles(int64_t first, int count, float* out);

  /// Boxes of tiles [first, first+count): selection and first suppression; nothing else is kept of them. tiles
  /// as fillTiles wrote them; outputs[count][outputValues()]. Callable from several threads for different tiles.
  void consume(int64_t first, int count, const float* tiles, const float* outputs);

  /// Second suppression and catalogue, once every tile has been consumed (kInternal otherwise). Ends the task.
  DetectionResult finish(PrimaryBeam* beam, int threads);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace otf
