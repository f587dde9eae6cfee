// What a detection gives beside its catalogue, when it is finished.
#include "coverage/footprint.h"
#include "detect/detection_state.h"
#include "detect/detection_task.h"
#include "detect/model_file.h"
#include "detect/noise_files.h"
#include "error/error.h"

namespace otf {

void DetectionTask::setFootprint() {
  if (impl_->source) throw OtfError(Code::kInternal, "a footprint was asked for after the first tile");
  if (!impl_->wcs()) {
    throw OtfError(Code::kMaskInvalid,
                   image().label + " has no celestial WCS, and so no footprint on the sky: leave it out");
  }
  const Region& region = layout().region;
  impl_->values.emplace(coverage::PixelBox{region.x, region.y, region.width, region.height});
}

coverage::Moc DetectionTask::footprint() const {
  if (!impl_->values || !impl_->result)
    throw OtfError(Code::kInternal, "a footprint was asked for that was not made");
  return coverage::footprint(*impl_->wcs(), *impl_->values, impl_->area->mask(), cancelFlag());
}

void DetectionTask::requireMeasured(bool finished) const {
  if (impl_->measurer && (!finished || impl_->result)) return;
  throw OtfError(
      Code::kInvalidArgument,
      "maps and flux densities at places are of a detection that measures (--measure fast or full)");
}

void DetectionTask::writeMap(const std::string& path, MapKind kind) {
  requireMeasured();
  const std::string& unit = measuredUnit(header(), config());
  const measure::NoiseMap& noise = impl_->measurer->noise();
  if (kind == MapKind::kRms) return writeNoiseFile(path, noise, NoiseKind::kRms, image(), unit);
  if (kind == MapKind::kBackground) return writeNoiseFile(path, noise, NoiseKind::kBackground, image(), unit);
  ModelFile file{path, layout().region, imageKeys(image(), layout().region.x, layout().region.y, unit)};
  if (kind == MapKind::kResidual) file.image = impl_->plane().read;
  writeModelFile(file, impl_->result->measured, cancelFlag());
}

PlacesMeasured DetectionTask::measurePlaces(std::span<const double> raDeg, std::span<const double> decDeg,
                                            int threads) {
  requireMeasured();
  return measureSky(header(), layout().region, impl_->measurePixels(), impl_->measurer->noise(), raDeg,
                    decDeg, {.threads = threads, .cancel = cancelFlag()});
}

}  // namespace otf
