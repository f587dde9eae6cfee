#include "addon/detect_request.h"

#include <map>

#include "error/error.h"

namespace otf::addon {
namespace {

NormaliseKind kindOf(const std::string& op) {
  static const std::map<std::string, NormaliseKind> kKinds{
      {"clip", NormaliseKind::kClip},
      {"clip_percentile", NormaliseKind::kClipPercentile},
      {"clip_sigma", NormaliseKind::kClipSigma},
      {"rescale", NormaliseKind::kRescale},
      {"linear", NormaliseKind::kLinear},
      {"sqrt", NormaliseKind::kSqrt},
      {"log1p", NormaliseKind::kLog1p},
      {"tanh", NormaliseKind::kTanh}};
  const auto found = kKinds.find(op);
  if (found == kKinds.end()) throw OtfError(Code::kDetectorConfig, "no normalisation '" + op + "'");
  return found->second;
}

ParameterSpec::Scale scaleOf(const std::string& name) {
  if (name == "log") return ParameterSpec::Scale::kLog;
  if (name == "linear") return ParameterSpec::Scale::kLinear;
  if (name == "cos") return ParameterSpec::Scale::kCos;
  if (name == "sin") return ParameterSpec::Scale::kSin;
  throw OtfError(Code::kDetectorConfig, "no parameter scale '" + name + "' (log, linear, cos, sin)");
}

}  // namespace

std::vector<NormaliseStep> readNormalisation(const Fields& fields) {
  std::vector<NormaliseStep> steps;
  for (const Fields& step : fields.objects("normalise"))
    steps.push_back({kindOf(step.text("op")), step.number("a"), step.number("b")});
  return steps;
}

DetectorConfig readDetector(const Fields& fields) {
  DetectorConfig config;
  config.tilePx = fields.count("tilePx");
  config.overlapPx = fields.count("overlapPx");
  config.gridElementPx = fields.count("gridElementPx");
  config.normalise = readNormalisation(fields);
  config.objectnessThreshold = fields.floats("objectnessThreshold");
  config.minBoxPx = static_cast<float>(fields.number("minBoxPx"));
  config.medianLimit = fields.floats("medianLimit");
  config.medianObjectness = fields.floats("medianObjectness");
  config.firstIou = fields.floats("firstIou");
  config.firstObjectness = fields.floats("firstObjectness");
  config.secondIou = static_cast<float>(fields.number("secondIou"));
  config.dropEdgeTiles = fields.count("dropEdgeTiles");
  for (const Fields& parameter : fields.objects("parameters")) {
    config.parameters.push_back({scaleOf(parameter.text("scale")), parameter.text("column"),
                                 parameter.number("max"), parameter.number("min")});
  }
  if (fields.has("unit")) config.unit = fields.text("unit");
  return config;
}

RegionRequest readRegion(const Fields& fields) {
  const auto four = [&](const char* key) {
    const std::vector<double> values = fields.numbers(key);
    if (values.size() != 4) throw OtfError(Code::kInvalidArgument, std::string(key) + " needs four numbers");
    return values;
  };
  if (fields.has("box")) {
    const auto v = four("box");
    return Region{static_cast<int64_t>(v[0]), static_cast<int64_t>(v[1]), static_cast<int64_t>(v[2]),
                  static_cast<int64_t>(v[3])};
  }
  if (fields.has("roi")) {
    const auto v = four("roi");
    SkyRegion region{{v[0], v[1]}, static_cast<int64_t>(v[2]), static_cast<int64_t>(v[3])};
    if (fields.has("roiFrame")) region.frame = SkyFrame{fields.text("roiFrame"), 0, ""};
    return region;
  }
  return std::monostate{};
}

MeasureRequest readMeasure(const Fields& fields) {
  const std::string effort = fields.text("effort");
  if (effort != "fast" && effort != "full")
    throw OtfError(Code::kInvalidArgument, "no measurement '" + effort + "' (fast, full)");
  MeasureRequest request;
  request.effort = effort == "fast" ? measure::Effort::kFast : measure::Effort::kFull;
  request.minSnr = fields.number("minSnr");
  const auto map = [&](const char* key) -> std::optional<MapFile> {
    if (!fields.has(key)) return std::nullopt;
    const ImageChoice choice = readImageChoice(fields.object(key));
    return MapFile{choice.path, choice.select};
  };
  request.background = map("background");
  request.rms = map("rms");
  return request;
}

DetectionRequest readDetectionRequest(const Fields& fields) {
  DetectionRequest request;
  request.image = readImageChoice(fields.object("image"));
  request.region = readRegion(fields);
  if (fields.has("primaryBeam")) request.primaryBeam = readImageChoice(fields.object("primaryBeam"));
  if (fields.has("pixelUnit")) request.pixelUnit = fields.text("pixelUnit");
  if (fields.has("measure")) request.measure = readMeasure(fields.object("measure"));
  const Fields model = fields.object("model");
  request.weights = model.text("weights");
  request.detector = readDetector(fields.object("detector"));
  request.engine = readEngineChoice(fields.object("engine"));
  request.engine.options.inputBias = static_cast<float>(model.number("inputBias"));
  return request;
}

}  // namespace otf::addon
