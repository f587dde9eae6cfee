#include "addon/reconstruct_values.h"

#include <cstdint>

#include "addon/object.h"
#include "reconstruct/static_sky.h"

namespace otf::addon {
namespace {

using Sources = std::vector<ReconstructedSource>;

template <typename Get>
Napi::Value column(Napi::Env env, const Sources& sources, Get get) {
  Napi::Float64Array out = Napi::Float64Array::New(env, sources.size());
  for (size_t i = 0; i < sources.size(); ++i) out[i] = static_cast<double>(get(sources[i]));
  return out;
}

template <typename Get>
Napi::Value texts(Napi::Env env, const Sources& sources, Get get) {
  Napi::Array out = Napi::Array::New(env, sources.size());
  for (uint32_t i = 0; i < sources.size(); ++i) out[i] = Napi::String::New(env, std::string(get(sources[i])));
  return out;
}

/// [source][band][frame] in one array.
template <typename Get>
Napi::Value curves(Napi::Env env, const std::vector<Sources>& bands, size_t frames, Get get) {
  const size_t count = bands.front().size();
  Napi::Float64Array out = Napi::Float64Array::New(env, count * bands.size() * frames);
  size_t at = 0;
  for (size_t i = 0; i < count; ++i) {
    for (const Sources& band : bands) {
      for (size_t t = 0; t < frames; ++t) out[at++] = static_cast<double>(get(band[i], t));
    }
  }
  return out;
}

Napi::Object sourceColumns(Napi::Env env, const Sources& all) {
  Napi::Object out = Napi::Object::New(env);
  out.Set("count", static_cast<double>(all.size()));
  out.Set("name", texts(env, all, [](const auto& s) { return s.measured.name; }));
  out.Set("band", column(env, all, [](const auto& s) { return s.band; }));
  out.Set("label", texts(env, all, [](const auto& s) { return labelName(s.label); }));
  out.Set("raDeg", column(env, all, [](const auto& s) { return s.raDeg; }));
  out.Set("decDeg", column(env, all, [](const auto& s) { return s.decDeg; }));
  out.Set("x", column(env, all, [](const auto& s) { return s.measured.x; }));
  out.Set("y", column(env, all, [](const auto& s) { return s.measured.y; }));
  out.Set("positionErrorPx", column(env, all, [](const auto& s) { return s.positionErrorPx; }));
  out.Set("statistic", column(env, all, [](const auto& s) { return s.measured.statistic; }));
  out.Set("snr", column(env, all, [](const auto& s) { return s.snr; }));
  out.Set("peakFlux", column(env, all, [](const auto& s) { return s.peakFlux; }));
  out.Set("peakFluxError", column(env, all, [](const auto& s) { return s.peakFluxError; }));
  out.Set("peakFrame", column(env, all, [](const auto& s) { return s.peakFrame; }));
  out.Set("durationS", column(env, all, [](const auto& s) { return s.durationS; }));
  out.Set("framesDetected", column(env, all, [](const auto& s) { return s.framesDetected; }));
  out.Set("staticFlux", column(env, all, [](const auto& s) { return s.measured.staticFlux; }));
  out.Set("meanFlux", column(env, all, [](const auto& s) { return s.variability.mean; }));
  out.Set("meanFluxError", column(env, all, [](const auto& s) { return s.variability.meanError; }));
  out.Set("v", column(env, all, [](const auto& s) { return s.variability.v; }));
  out.Set("eta", column(env, all, [](const auto& s) { return s.variability.eta; }));
  out.Set("pConstant", column(env, all, [](const auto& s) { return s.variability.pConstant; }));
  out.Set("pRun", column(env, all, [](const auto& s) { return s.variability.pRun; }));
  out.Set("nearest", column(env, all, [](const auto& s) { return s.nearest; }));
  out.Set("nearestPx", column(env, all, [](const auto& s) { return s.nearestPx; }));
  out.Set("flags", column(env, all, [](const auto& s) { return s.flags; }));
  return out;
}

Napi::Object curveColumns(Napi::Env env, const std::vector<Sources>& all, size_t frames) {
  Napi::Object out = Napi::Object::New(env);
  out.Set("flux", curves(env, all, frames, [](const auto& s, size_t t) { return s.measured.flux[t]; }));
  out.Set("fluxError",
          curves(env, all, frames, [](const auto& s, size_t t) { return s.measured.fluxError[t]; }));
  out.Set("fluxRec", curves(env, all, frames, [](const auto& s, size_t t) { return s.measured.fluxRec[t]; }));
  out.Set("profile", curves(env, all, frames, [](const auto& s, size_t t) { return s.measured.profile[t]; }));
  out.Set("localRms",
          curves(env, all, frames, [](const auto& s, size_t t) { return s.measured.localRms[t]; }));
  out.Set("upperLimit", curves(env, all, frames, [](const auto& s, size_t t) { return s.upperLimit[t]; }));
  if (!all.front().empty() && !all.front().front().measured.truth.empty())
    out.Set("truth", curves(env, all, frames, [](const auto& s, size_t t) { return s.measured.truth[t]; }));
  out.Set("detected",
          curves(env, all, frames, [](const auto& s, size_t t) { return s.detected[t] ? 1 : 0; }));
  out.Set("flags", curves(env, all, frames, [](const auto& s, size_t t) { return s.pointFlags[t]; }));
  return out;
}

Napi::Object cubeValues(Napi::Env env, const ReconstructionTask& task) {
  const CubeInfo& cube = task.cube();
  Napi::Object out = Napi::Object::New(env);
  out.Set("label", cube.label);
  out.Set("width", static_cast<double>(cube.width));
  out.Set("height", static_cast<double>(cube.height));
  out.Set("frames", cube.frames);
  out.Set("bunit", cube.bunit);
  out.Set("timeScale", cube.timeScale);
  out.Set("timesMjd", doubles(env, cube.timesMjd));
  out.Set("exposuresS", doubles(env, cube.exposuresS));
  out.Set("frequencyHz", cube.frequencyHz);
  out.Set("band", cube.band);
  out.Set("bands", cube.bands);
  if (task.wcs()) {
    Napi::Object wcs = Napi::Object::New(env);
    wcs.Set("system", task.wcs()->frame().system);
    wcs.Set("equinox", task.wcs()->frame().equinox);
    wcs.Set("projection", task.wcs()->projection());
    wcs.Set("pixelScaleDeg", cube.pixelScaleDeg);
    out.Set("wcs", wcs);
  }
  return out;
}

}  // namespace

Napi::Object reconstructionValues(Napi::Env env, const ReconstructionTask& task,
                                  const std::vector<std::string>& modelWarnings) {
  const Reconstruction& result = task.result();
  Napi::Object out = Napi::Object::New(env);
  out.Set("cube", cubeValues(env, task));
  out.Set("psf", task.psf().label);
  out.Set("sources", sourceColumns(env, result.sources));
  out.Set("curves", curveColumns(env, result.bands, static_cast<size_t>(task.cube().frames)));
  std::vector<double> frequencies, sigmas, widths, sidelobes;
  int64_t blank = 0;
  size_t components = 0;
  for (const auto& band : task.bands()) {
    frequencies.push_back(band->info().frequencyHz);
    sigmas.insert(sigmas.end(), band->sigmas.begin(), band->sigmas.end());
    widths.insert(widths.end(), band->psfFwhmPx.begin(), band->psfFwhmPx.end());
    sidelobes.insert(sidelobes.end(), band->psfSidelobes.begin(), band->psfSidelobes.end());
    blank += band->blankPixels;
    if (band->planes.staticSky()) components += band->planes.staticSky()->components().size();
  }
  out.Set("frequenciesHz", doubles(env, frequencies));
  out.Set("sigmas", doubles(env, sigmas));
  out.Set("psfFwhmPx", doubles(env, widths));
  out.Set("psfSidelobes", doubles(env, sidelobes));
  out.Set("thresholdSnr", result.thresholdSnr);
  if (result.noisePeaks) {
    out.Set("noisePeaks", *result.noisePeaks);
    out.Set("snrDivisor", result.snrDivisor);
  }
  if (task.request().staticPart != StaticPart::kNone)
    out.Set("staticComponents", static_cast<double>(components));
  out.Set("blankPixels", static_cast<double>(blank));
  out.Set("files", strings(env, result.files));
  std::vector<std::string> warnings = modelWarnings;
  warnings.insert(warnings.end(), result.warnings.begin(), result.warnings.end());
  out.Set("warnings", strings(env, warnings));
  Napi::Object times = Napi::Object::New(env);
  times.Set("channels", result.seconds.channels);
  times.Set("detect", result.seconds.detect);
  times.Set("measure", result.seconds.measure);
  out.Set("times", times);
  return out;
}

}  // namespace otf::addon
