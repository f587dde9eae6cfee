// What a model card says about turning an image into a catalogue, and the catalogue itself (docs/detection.md).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace otf {

enum class NormaliseKind { kClip, kClipPercentile, kClipSigma, kRescale, kLinear, kSqrt, kLog1p, kTanh };

/// One step, applied in order to a pixel x:
///   clip(a,b)            min(max(x,a),b)
///   clip_percentile(a,b) clip with limits = percentiles a and b (0..100) of the region's finite pixels
///   clip_sigma(a,b)      clip with limits = median + a*sigma .. median + b*sigma, sigma = 1.4826*MAD of the region
///   rescale              (x-min)/(max-min) of the last clip
///   linear(a)            a*x
///   sqrt(a)              sqrt(a*x)
///   log1p(a)             log(1+a*x)
///   tanh(a)              tanh(a*x)
struct NormaliseStep {
  NormaliseKind kind = NormaliseKind::kLinear;
  double a = 1, b = 0;
};

/// One predicted parameter of the network's last planes.
/// log: value = exp(p*(max-min)+min); linear: p*(max-min)+min; cos / sin: the two parts of the position angle.
struct ParameterSpec {
  enum class Scale { kLog, kLinear, kCos, kSin } scale = Scale::kLog;
  std::string column;  // "flux", "bmaj", ...
  double max = 0, min = 0;
};

struct DetectorConfig {
  int tilePx = 256, overlapPx = 32, gridElementPx = 16;
  std::vector<NormaliseStep> normalise;
  std::vector<float> objectnessThreshold;  // per box of the network
  float minBoxPx = 5;
  std::vector<float> medianLimit{0.6F, 0.3F, 0.1F}, medianObjectness{0.9F, 0.7F, 0.5F};
  std::vector<float> firstIou, firstObjectness;  // same length
  float secondIou = -0.15F;
  int dropEdgeTiles = 0;
  std::vector<ParameterSpec> parameters;  // as many as the network's parameters
  std::string unit;  // of the pixels the network was trained with, e.g. "Jy/beam"; "" = not said
};

/// A box in pixels of some frame (tile or image): CIANNA pixel coordinates, first pixel's centre at 0.5.
struct Box {
  float x0, y0, x1, y1;
  float probability, objectness;
  int32_t prior;  // which box of the network
  int32_t cell;   // row * grid + column in its tile
  int32_t tile;
  std::array<float, 16> parameters{};  // as activated; first parameters.size() are used
};

/// One source; positions 0-based pixels of the whole image (centre of the first pixel = 0). NaN = unknown.
struct Source {
  double raDeg, decDeg;
  double x, y;
  float widthPx, heightPx;
  float probability, objectness;
  int32_t prior, tile, cell;
  std::vector<double> values;  // per ParameterSpec (cos and sin as predicted)
  double paPixelDeg, paDeg;    // from +x towards +y; North through East, [0,180)
  double primaryBeam;          // attenuation there, NaN without a beam image
};

struct Region {
  int64_t x = 0, y = 0, width = 0, height = 0;  // pixels of the image plane, 0-based
};

}  // namespace otf
