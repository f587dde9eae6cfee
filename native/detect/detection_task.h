// One image's way from pixels to a catalogue: the tile task of a detection.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "coverage/area.h"
#include "coverage/moc.h"
#include "detect/detector.h"
#include "detect/drawn.h"
#include "detect/forced.h"
#include "detect/header_review.h"
#include "detect/measuring.h"
#include "detect/normalise.h"
#include "detect/region.h"
#include "detect/searched_area.h"
#include "detect/tiling.h"
#include "fits/fits.h"
#include "model/network.h"
#include "sky/wcs.h"
#include "task/tile_task.h"

namespace otf {

/// Busy seconds per stage. Stages overlap and select runs in several threads, so they do not add up to the whole.
struct StageSeconds {
  double load = 0;      // reading pixels, for limits and tiles
  double limits = 0;    // clip limits from the image, without reading
  double prepare = 0;   // normalise and cut into tiles
  double select = 0;    // selection and first suppression
  double suppress = 0;  // second suppression
  double catalogue = 0;
  double measure = 0;  // of the sources; the noise is among prepare
};

struct DetectionResult {
  std::vector<Source> sources;
  std::vector<MeasuredSource> measured;  // one per source; empty: not asked for
  std::optional<MeasureSummary> measureSummary;
  std::optional<std::vector<DrawnSource>> drawn;  // one per source; absent: without draws
  TileLayout layout;
  int64_t tiles = 0;                                  // of the layout, that were searched
  std::optional<int64_t> outsideMask;                 // sources that went; absent: no mask
  int64_t selected = 0, afterFirst = 0;               // boxes before and after the first suppression
  PixelCounts pixels;                                 // of the region
  std::vector<std::pair<double, double>> clipLimits;  // of each clip of the normalisation, as used
  std::optional<SkyFrame> frame;                      // absent: no celestial WCS, pixel positions only
  std::vector<std::string> warnings;                  // one line each
  StageSeconds seconds;
};

/// Items are tiles: itemExtent() is that of one tile, its values its pixels.
/// Changes pixels of the image in place: columns [x0, x0+columns) of rows [y0, y0+rows), pixels[r*stride + c].
using PixelChange =
    std::function<void(int64_t x0, int64_t y0, int64_t columns, int64_t rows, float* pixels, int64_t stride)>;

/// Images that a measurement leaves.
enum class MapKind { kBackground, kRms, kModel, kResidual };

class DetectionTask : public TileTask {
 public:
  /// `config` must fit `head` (kDetectorConfig). `pixelUnit`: in place of BUNIT, "" = BUNIT counts. Throws as
  /// reviewHeader, resolveRegion and layoutTiles, kOutOfMemory. Reads the header only.
  DetectionTask(FitsImage image, const RegionRequest& region, DetectorConfig config, YoloHead head,
                const std::string& pixelUnit = {});
  ~DetectionTask() override;

  /// What finish looks sources up in.
  void setPrimaryBeam(PrimaryBeam beam);

  /// Before the first tile is prepared. Throws as SourceMeasurer.
  void setMeasure(const MeasureRequest& request);

  /// Outputs of an item are those of a network with draws (engine/draws). Before the first tile is consumed.
  void setDrawn();

  /// Of the region, what is searched. Before the first tile is prepared. Throws kMaskInvalid.
  void setMask(std::shared_ptr<const coverage::Area> area);
  /// footprint() will be asked for. Before the first tile is prepared. Throws kMaskInvalid without a celestial WCS.
  void setFootprint();

  // For a search of the same pixels, changed (native/detect/quality). Before the first tile is prepared:

  /// `change` sees every window after it was read, in the network's unit.
  void alter(PixelChange change);
  /// Limits of the normalisation and noise of another run, in place of its own; and no fault in pixels that are all blank.
  void settle(const NormalisePlan& plan, const measure::NoiseMap& noise);
  /// After the first tile was filled.
  const NormalisePlan& plan() const;
  /// When every tile was filled, of a task that measures (kInvalidArgument otherwise).
  const measure::NoiseMap& noise() const;

  const HeaderReview& header() const;
  const FitsInfo& image() const { return header().info; }
  const DetectorConfig& config() const;
  const YoloHead& head() const;
  const TileLayout& layout() const;
  const SearchedArea& searched() const;

  int64_t items() const override { return static_cast<int64_t>(searched().tiles().size()); }
  Extent itemExtent() const override;
  int64_t inputValues() const override { return layout().tilePixels(); }
  int64_t outputValues() const override;
  /// Of them, those of a usual pass: the first.
  int64_t networkValues() const;
  void checkNetwork(const Network& network) const override;

  /// The rows of pixels that one row of tiles needs.
  int64_t memoryBytes() const override;
  bool decodes() const override { return image().compressed; }

  /// All of it where clip limits are taken from the image.
  uint64_t bytesFor(int64_t item) const override;

  /// Gives the rest of a row of tiles. The first call takes the clip limits from the image if the card asks for it.
  int64_t prepare() override;

  /// Throws kImageBlank with the last tile at the latest when no pixel of the region has a value other than 0, and as
  /// FitsImage::readWindow.
  void fill(int64_t first, int count, float* out) override;

  /// Boxes of the tiles: selection and first suppression; nothing else is kept of them.
  void consume(int64_t first, int count, const float* tiles, const float* outputs) override;

  /// Second suppression and catalogue.
  void finish(int threads) override;

  /// After finish.
  const DetectionResult& result() const;

  /// After finish, of a task that was told so: what was searched, by the pixels that have a value. Throws as coverage::footprint.
  coverage::Moc footprint() const;

  // After finish of a task that measures (kInvalidArgument otherwise). One call at a time.

  /// An image of the region. Throws kOutputUnwritable, kCancelled, and what reading throws.
  void writeMap(const std::string& path, MapKind kind);

  /// Flux densities at places of the image's own equatorial frame. Throws as measureDetections.
  PlacesMeasured measurePlaces(std::span<const double> raDeg, std::span<const double> decDeg, int threads);

 private:
  void requireMeasured(bool finished = true) const;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace otf
