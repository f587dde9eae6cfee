#include "detect/forced.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "detect/measuring.h"
#include "measure/sky_values.h"

namespace otf {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// All rows of the image through the mapper, in bands of about 4 MiB.
measure::NoiseMap noiseOf(FitsImage& image, const measure::CellLayout& layout) {
  constexpr int64_t kBandPixels = int64_t{1} << 20;
  const int64_t rows = std::clamp<int64_t>(kBandPixels / layout.width, 1, layout.height);
  std::vector<float> band(static_cast<size_t>(rows * layout.width));
  measure::NoiseMapper mapper(layout);
  for (int64_t y = 0; y < layout.height; y += rows) {
    const int64_t count = std::min(rows, layout.height - y);
    image.readWindow(0, y, layout.width, count, band.data(), layout.width);
    mapper.add(band.data(), count);
  }
  return mapper.finish();
}

bool isInside(const Region& region, double x, double y) {
  const auto left = static_cast<double>(region.x) - 0.5, bottom = static_cast<double>(region.y) - 0.5;
  return x >= left && y >= bottom && x < left + static_cast<double>(region.width) &&
         y < bottom + static_cast<double>(region.height);
}

}  // namespace

PlacesMeasured measureSky(const HeaderReview& header, const Region& region,
                          const measure::ImagePixels& pixels, const measure::NoiseMap& noise,
                          std::span<const double> raDeg, std::span<const double> decDeg,
                          const measure::MeasureOptions& options) {
  const Wcs& wcs = *header.wcs;
  PlacesMeasured result;
  std::vector<measure::Detection> places;
  for (size_t i = 0; i < raDeg.size(); ++i) {
    const auto pixel = wcs.skyToPixel({raDeg[i], decDeg[i]});
    measure::Detection place{kNaN, kNaN, 0, 0, {}};
    if (pixel && isInside(region, pixel->first, pixel->second)) {
      place.x = pixel->first;
      place.y = pixel->second;
      if (const auto toSky = measure::skyMapAt(wcs, place.x, place.y))
        place.beam = measure::beamInPixels(*header.info.beam, *toSky);
    }
    result.x.push_back(place.x);
    result.y.push_back(place.y);
    places.push_back(place);
  }
  result.rows = measure::measureAt(pixels, noise, places, options);
  return result;
}

ForcedResult measurePlaces(FitsImage image, std::span<const double> raDeg, std::span<const double> decDeg,
                           int threads) {
  ForcedResult result;
  result.header = reviewHeader(image.info());
  const FitsInfo& info = result.header.info;
  const Region whole{0, 0, info.width, info.height};
  const measure::CellLayout layout =
      measure::layoutCells(0, 0, info.width, info.height, beamPixels(result.header, whole));
  const measure::NoiseMap noise = noiseOf(image, layout);
  result.typicalRms = noise.typicalRms();
  result.cellPx = layout.width / layout.columns;
  const measure::ImagePixels pixels{
      info.width, info.height,
      [&image](int64_t x0, int64_t y0, int64_t columns, int64_t rows, float* out, int64_t stride) {
        image.readWindow(x0, y0, columns, rows, out, stride);
      }};
  result.places = measureSky(result.header, whole, pixels, noise, raDeg, decDeg, {.threads = threads});
  return result;
}

}  // namespace otf
