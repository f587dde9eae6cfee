#include "detect/measuring.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "detect/given_noise.h"
#include "error/error.h"
#include "threads/in_threads.h"

namespace otf {
namespace {

/// work(i) for each i below `count`; pieces are long enough to be worth a thread's while.
template <typename Work>
void overAll(size_t count, int threads, const Work& work) {
  constexpr size_t kPiece = 512;
  inThreads((count + kPiece - 1) / kPiece, threads, [&](size_t piece) {
    const size_t end = std::min(count, (piece + 1) * kPiece);
    for (size_t i = piece * kPiece; i < end; ++i) work(i);
  });
}

/// What the header has in its place, as the review told it.
std::string whyNoBeam(const HeaderReview& header) {
  std::string why;
  for (const std::string& line : header.warnings) {
    const bool isOfBeam = line.find("BMAJ") != std::string::npos || line.find("BMIN") != std::string::npos ||
                          line.find("BPA") != std::string::npos;
    const std::string prefix = header.info.label + ": ";
    if (isOfBeam)
      why += (why.empty() ? "" : "; ") + line.substr(line.starts_with(prefix) ? prefix.size() : 0);
  }
  return why.empty() ? "" : " (" + why + ")";
}

}  // namespace

double beamPixels(const HeaderReview& header, const Region& region) {
  const std::string& label = header.info.label;
  if (!header.info.beam) {
    throw OtfError(Code::kBeamUnknown,
                   label + " has no beam (BMAJ, BMIN, BPA), which a measurement needs" + whyNoBeam(header) +
                       ": leave it out (--measure none, MEASURE=none), or write the beam into the header");
  }
  const double x = static_cast<double>(region.x) + static_cast<double>(region.width - 1) / 2;
  const double y = static_cast<double>(region.y) + static_cast<double>(region.height - 1) / 2;
  const auto toSky = header.wcs ? measure::skyMapAt(*header.wcs, x, y) : std::nullopt;
  if (!toSky) {
    throw OtfError(Code::kBeamUnknown,
                   label + (header.wcs ? " has no sky at its middle" : " has no usable celestial WCS") +
                       ", so that its beam has no size in pixels: leave the "
                       "measurement out (--measure none, MEASURE=none)");
  }
  const measure::Covariance beam = measure::beamInPixels(*header.info.beam, *toSky);
  return kFwhmPerSigma * std::pow(beam.determinant(), 0.25);
}

const std::string& measuredUnit(const HeaderReview& header, const DetectorConfig& config) {
  return config.unit.empty() ? header.pixelUnit : config.unit;
}

SourceMeasurer::SourceMeasurer(const MeasureRequest& request, const HeaderReview& header,
                               const Region& region, const DetectorConfig& config,
                               const std::atomic<bool>* cancel)
    : request_(request),
      header_(header),
      config_(config),
      cancel_(cancel),
      layout_(
          measure::layoutCells(region.x, region.y, region.width, region.height, beamPixels(header, region))) {
  const std::string& unit = measuredUnit(header, config);
  const auto given = [&](const std::optional<MapFile>& file) {
    return file ? openGivenMap(file->path, file->select, header, region, unit, cancel, warnings_) : nullptr;
  };
  given_ = {given(request.background), given(request.rms)};
  // With both maps given, too: how the noise is correlated, only the image tells.
  mapper_.emplace(layout_);
  summary_.cellPx = region.width / layout_.columns;
}

void SourceMeasurer::add(const float* pixels, int64_t rows) {
  if (mapper_) mapper_->add(pixels, rows);
}

const measure::NoiseMap& SourceMeasurer::noise() {
  if (!noise_) {
    noise_ = mapper_->finish();
    noise_->take(given_);
  }
  return *noise_;
}

void SourceMeasurer::use(measure::NoiseMap noise) {
  noise_ = std::move(noise);
  mapper_.reset();
}

bool SourceMeasurer::beyondTraining(const Source& source) const {
  for (size_t p = 0; p < config_.parameters.size(); ++p) {
    const ParameterSpec& spec = config_.parameters[p];
    const bool log = spec.scale == ParameterSpec::Scale::kLog;
    if (!log && spec.scale != ParameterSpec::Scale::kLinear) continue;
    const double value = log ? std::log(source.values[p]) : source.values[p];
    if (!(value >= spec.min && value <= spec.max)) return true;
  }
  return false;
}

std::vector<MeasuredSource> SourceMeasurer::measure(const measure::ImagePixels& image,
                                                    std::vector<Source>& sources, int threads) {
  const measure::NoiseMap& known = noise();
  summary_.typicalRms = known.typicalRms();
  std::vector<measure::Detection> detections(sources.size());
  std::vector<std::optional<measure::SkyMap>> maps(sources.size());
  overAll(sources.size(), threads, [&](size_t i) {
    const Source& source = sources[i];
    maps[i] = measure::skyMapAt(*header_.wcs, source.x, source.y);
    // Off the sky nothing is measured: a beam of no size is left out.
    const measure::Covariance beam =
        maps[i] ? measure::beamInPixels(*header_.info.beam, *maps[i]) : measure::Covariance{};
    detections[i] = {source.x, source.y, source.widthPx, source.heightPx, beam};
  });
  const auto measured = measure::measureDetections(image, known, detections,
                                                   {request_.effort, threads, request_.minSnr, cancel_});

  std::vector<size_t> left;
  for (size_t i = 0; i < sources.size(); ++i) {
    // What could not be measured has no SNR to be judged by.
    if (measured[i].duplicateOf >= 0) {
      ++summary_.merged;
    } else if (request_.minSnr > 0 && measured[i].snr() < request_.minSnr) {
      ++summary_.belowSnr;
    } else {
      left.push_back(i);
    }
  }
  std::vector<MeasuredSource> out(left.size());
  std::vector<Source> kept(left.size());
  overAll(left.size(), threads, [&](size_t k) {
    const size_t i = left[k];
    out[k] = {measured[i], measure::skyValuesOf(measured[i], *header_.wcs,
                                                maps[i].value_or(measure::SkyMap{}), detections[i].beam)};
    if (beyondTraining(sources[i])) out[k].pixels.flags |= measure::kBeyondTraining;
    kept[k] = std::move(sources[i]);
  });
  sources = std::move(kept);
  return out;
}

}  // namespace otf
