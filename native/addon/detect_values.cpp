#include "addon/detect_values.h"

#include <cmath>

#include "addon/object.h"

namespace otf::addon {
namespace {

template <typename Get>
Napi::Value column64(Napi::Env env, const std::vector<Source>& sources, Get get) {
  Napi::Float64Array out = Napi::Float64Array::New(env, sources.size());
  for (size_t i = 0; i < sources.size(); ++i) out[i] = get(sources[i]);
  return out;
}
template <typename Get>
Napi::Value column32(Napi::Env env, const std::vector<Source>& sources, Get get) {
  Napi::Float32Array out = Napi::Float32Array::New(env, sources.size());
  for (size_t i = 0; i < sources.size(); ++i) out[i] = get(sources[i]);
  return out;
}
template <typename Get>
Napi::Value columnInt(Napi::Env env, const std::vector<Source>& sources, Get get) {
  Napi::Int32Array out = Napi::Int32Array::New(env, sources.size());
  for (size_t i = 0; i < sources.size(); ++i) out[i] = get(sources[i]);
  return out;
}

Napi::Object catalogue(Napi::Env env, const DetectionOutcome& outcome) {
  const std::vector<Source>& all = outcome.detection.sources;
  Napi::Object out = Napi::Object::New(env);
  out.Set("count", static_cast<double>(all.size()));
  out.Set("raDeg", column64(env, all, [](const Source& s) { return s.raDeg; }));
  out.Set("decDeg", column64(env, all, [](const Source& s) { return s.decDeg; }));
  out.Set("x", column64(env, all, [](const Source& s) { return s.x; }));
  out.Set("y", column64(env, all, [](const Source& s) { return s.y; }));
  out.Set("widthPx", column32(env, all, [](const Source& s) { return s.widthPx; }));
  out.Set("heightPx", column32(env, all, [](const Source& s) { return s.heightPx; }));
  out.Set("probability", column32(env, all, [](const Source& s) { return s.probability; }));
  out.Set("objectness", column32(env, all, [](const Source& s) { return s.objectness; }));
  out.Set("prior", columnInt(env, all, [](const Source& s) { return s.prior; }));
  out.Set("tile", columnInt(env, all, [](const Source& s) { return s.tile; }));
  out.Set("cell", columnInt(env, all, [](const Source& s) { return s.cell; }));
  out.Set("paPixelDeg", column64(env, all, [](const Source& s) { return s.paPixelDeg; }));
  out.Set("paDeg", column64(env, all, [](const Source& s) { return s.paDeg; }));
  out.Set("primaryBeam", column64(env, all, [](const Source& s) { return s.primaryBeam; }));
  Napi::Object values = Napi::Object::New(env);
  for (size_t p = 0; p < outcome.parameterColumns.size(); ++p) {
    values.Set(outcome.parameterColumns[p], column64(env, all, [p](const Source& s) { return s.values[p]; }));
  }
  out.Set("values", values);
  return out;
}

/// MeasuredColumns of addon.ts.
Napi::Object measuredColumns(Napi::Env env, const DetectionResult& detection) {
  using One = const MeasuredSource&;
  Napi::Object out = Napi::Object::New(env);
  const auto add = [&](const char* name, auto get) {
    Napi::Float64Array values = Napi::Float64Array::New(env, detection.measured.size());
    for (size_t i = 0; i < detection.measured.size(); ++i) values[i] = get(detection.measured[i]);
    out.Set(name, values);
  };
  add("raDeg", [](One m) { return m.sky.raDeg; });
  add("decDeg", [](One m) { return m.sky.decDeg; });
  add("raErrorArcsec", [](One m) { return m.sky.raErrorArcsec; });
  add("decErrorArcsec", [](One m) { return m.sky.decErrorArcsec; });
  add("x", [](One m) { return m.pixels.fit.x; });
  add("y", [](One m) { return m.pixels.fit.y; });
  add("xError", [](One m) { return std::sqrt(m.pixels.errors.place.xx); });
  add("yError", [](One m) { return std::sqrt(m.pixels.errors.place.yy); });
  add("peak", [](One m) { return m.pixels.fit.peak; });
  add("peakError", [](One m) { return m.pixels.errors.peak; });
  add("fluxRatio", [](One m) { return m.pixels.fluxRatio; });
  add("fluxRelativeError", [](One m) { return m.pixels.errors.flux; });
  add("majorArcsec", [](One m) { return m.sky.axes.major; });
  add("minorArcsec", [](One m) { return m.sky.axes.minor; });
  add("paDeg", [](One m) { return m.sky.axes.angleDeg; });
  add("majorErrorArcsec", [](One m) { return m.sky.axesError.major; });
  add("minorErrorArcsec", [](One m) { return m.sky.axesError.minor; });
  add("paErrorDeg", [](One m) { return m.sky.axesError.angleDeg; });
  add("intrinsicMajorArcsec", [](One m) { return m.sky.intrinsic.major; });
  add("intrinsicMinorArcsec", [](One m) { return m.sky.intrinsic.minor; });
  add("intrinsicPaDeg", [](One m) { return m.sky.intrinsic.angleDeg; });
  add("majorLimitArcsec", [](One m) { return m.sky.majorLimit; });
  add("background", [](One m) { return m.pixels.background; });
  add("rms", [](One m) { return m.pixels.rms; });
  add("snr", [](One m) { return m.pixels.snr(); });
  add("resolved", [](One m) { return m.pixels.resolved ? 1.0 : 0.0; });
  add("flags", [](One m) { return static_cast<double>(m.pixels.flags); });
  return out;
}

/// DrawnColumns of addon-detect.ts.
Napi::Object drawnColumns(Napi::Env env, const DetectionOutcome& outcome) {
  const std::vector<DrawnSource>& all = *outcome.detection.drawn;
  const auto spread = [&](auto get) {
    Napi::Float64Array means = Napi::Float64Array::New(env, all.size());
    Napi::Float64Array deviations = Napi::Float64Array::New(env, all.size());
    for (size_t i = 0; i < all.size(); ++i) {
      const Spread one = get(all[i]);
      means[i] = one.mean;
      deviations[i] = one.deviation;
    }
    Napi::Object out = Napi::Object::New(env);
    out.Set("mean", means);
    out.Set("deviation", deviations);
    return out;
  };
  using One = const DrawnSource&;
  Napi::Object out = Napi::Object::New(env);
  out.Set("ra", spread([](One s) { return s.ra; }));
  out.Set("dec", spread([](One s) { return s.dec; }));
  out.Set("x", spread([](One s) { return s.x; }));
  out.Set("y", spread([](One s) { return s.y; }));
  out.Set("width", spread([](One s) { return s.width; }));
  out.Set("height", spread([](One s) { return s.height; }));
  out.Set("objectness", spread([](One s) { return s.objectness; }));
  out.Set("probability", spread([](One s) { return s.probability; }));
  out.Set("pa", spread([](One s) { return s.pa; }));
  Napi::Object values = Napi::Object::New(env);
  for (size_t p = 0; p < outcome.parameterColumns.size(); ++p)
    values.Set(outcome.parameterColumns[p], spread([p](One s) { return s.values[p]; }));
  out.Set("values", values);
  return out;
}

Napi::Object measureSummary(Napi::Env env, const MeasureSummary& summary) {
  Napi::Object out = Napi::Object::New(env);
  out.Set("merged", static_cast<double>(summary.merged));
  out.Set("belowSnr", static_cast<double>(summary.belowSnr));
  out.Set("typicalRms", summary.typicalRms);
  out.Set("cellPx", static_cast<double>(summary.cellPx));
  return out;
}

Napi::Object imageSummary(Napi::Env env, const DetectionOutcome& outcome) {
  const FitsInfo& image = outcome.image;
  const DetectionResult& detection = outcome.detection;
  Napi::Object out = Napi::Object::New(env);
  out.Set("label", image.label);
  out.Set("hdu", image.hdu);
  out.Set("extname", image.extname);
  out.Set("width", static_cast<double>(image.width));
  out.Set("height", static_cast<double>(image.height));
  out.Set("planes", static_cast<double>(image.planes));
  out.Set("plane", static_cast<double>(outcome.plane));
  out.Set("bitpix", image.bitpix);
  out.Set("compressed", image.compressed);
  out.Set("bunit", image.bunit);
  out.Set("pixelUnit", outcome.pixelUnit);
  out.Set("unitFactor", outcome.unitFactor);
  if (image.beam) out.Set("beam", beamObject(env, *image.beam));
  if (detection.frame) {
    Napi::Object wcs = Napi::Object::New(env);
    wcs.Set("system", detection.frame->system);
    wcs.Set("equinox", detection.frame->equinox);
    wcs.Set("native", detection.frame->native);
    wcs.Set("projection", outcome.projection);
    wcs.Set("pixelScaleDeg", outcome.pixelScaleDeg);
    wcs.Set("centreRaDeg", outcome.centre.raDeg);
    wcs.Set("centreDecDeg", outcome.centre.decDeg);
    out.Set("wcs", wcs);
  }
  const Region& region = detection.layout.region;
  Napi::Object box = Napi::Object::New(env);
  box.Set("x", static_cast<double>(region.x));
  box.Set("y", static_cast<double>(region.y));
  box.Set("width", static_cast<double>(region.width));
  box.Set("height", static_cast<double>(region.height));
  out.Set("region", box);
  out.Set("blankedPixels", static_cast<double>(detection.pixels.blanked));
  out.Set("warnings", strings(env, detection.warnings));
  return out;
}

}  // namespace

Napi::Object stageTimes(Napi::Env env, const StageSeconds& seconds) {
  Napi::Object out = Napi::Object::New(env);
  out.Set("load", seconds.load);
  out.Set("limits", seconds.limits);
  out.Set("prepare", seconds.prepare);
  out.Set("select", seconds.select);
  out.Set("suppress", seconds.suppress);
  out.Set("catalogue", seconds.catalogue);
  out.Set("measure", seconds.measure);
  return out;
}

Napi::Object detectionValues(Napi::Env env, const DetectionOutcome& outcome) {
  const DetectionResult& detection = outcome.detection;
  Napi::Object out = Napi::Object::New(env);
  out.Set("catalogue", catalogue(env, outcome));
  if (detection.measureSummary) {
    out.Set("measured", measuredColumns(env, detection));
    out.Set("measureSummary", measureSummary(env, *detection.measureSummary));
  }
  if (detection.drawn) out.Set("drawn", drawnColumns(env, outcome));
  out.Set("image", imageSummary(env, outcome));
  Napi::Object tiling = Napi::Object::New(env);
  tiling.Set("tilesX", static_cast<double>(detection.layout.columns.count));
  tiling.Set("tilesY", static_cast<double>(detection.layout.rows.count));
  tiling.Set("offsetX", static_cast<double>(detection.layout.columns.offsetPx));
  tiling.Set("offsetY", static_cast<double>(detection.layout.rows.offsetPx));
  tiling.Set("tilePx", detection.layout.tilePx);
  tiling.Set("overlapPx", detection.layout.overlapPx);
  out.Set("tiling", tiling);
  Napi::Object counts = Napi::Object::New(env);
  counts.Set("selected", static_cast<double>(detection.selected));
  counts.Set("afterFirst", static_cast<double>(detection.afterFirst));
  counts.Set("final", static_cast<double>(detection.sources.size()));
  if (detection.outsideMask) {
    counts.Set("outsideMask", static_cast<double>(*detection.outsideMask));
    counts.Set("tilesSearched", static_cast<double>(detection.tiles));
  }
  out.Set("counts", counts);
  out.Set("times", stageTimes(env, detection.seconds));
  return out;
}

}  // namespace otf::addon
