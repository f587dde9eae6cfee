#include "simulate/cube/cube.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "error/error.h"
#include "simulate/cube/draw.h"
#include "simulate/cube/exact.h"
#include "simulate/cube/response.h"
#include "simulate/random.h"
#include "sky/gaussian.h"

namespace otf {
namespace {

using namespace simulate;

/// Phase error in turns from baselines that are not in a plane: Cornwell & Perley 1992 (A&A 261, 353).
constexpr double kMostWTerm = 0.1;
constexpr double kMostOutside = 0.1;   // share of the visibilities
constexpr double kExtentPerBlob = 12;  // image side over the sigma of the extended blob

void require(bool good, const std::string& what) {
  if (!good) throw OtfError(Code::kInvalidArgument, "simulated cube: " + what);
}

bool within(double value, double least, double most) { return value >= least && value <= most; }

void checkNumbers(const CubeSpec& spec) {
  require(spec.sizePx >= 16 && spec.sizePx <= 4096 && spec.sizePx % 2 == 0,
          "the side must be an even number of 16 to 4096 pixels");
  require(within(spec.frames, 1, 4096), "the frames must be 1 to 4096");
  require(within(spec.cellArcsec, 1e-4, 3600), "the pixel must be 0.0001 to 3600 arcsec");
  require(within(spec.frequencyMHz, 1, 1e6), "the frequency must be 1 to 1e6 MHz");
  require(within(spec.channels, 1, 256), "the channels must be 1 to 256");
  require(within(spec.bandwidthMHz, 0, spec.frequencyMHz), "the bandwidth must be 0 to the frequency");
  require(within(spec.declinationDeg, -90, 90), "the declination must be -90 to 90 degrees");
  require(within(spec.hourAngleDeg, -180, 180), "the hour angle must be -180 to 180 degrees");
  require(within(spec.hours, 1e-4, 24), "the observation must be 0.0001 to 24 hours");
  require(within(spec.snapshots, 1, 1000), "the snapshots of a frame must be 1 to 1000");
  require(within(spec.robust, -5, 5), "robust must be -5 to 5");
  require(within(spec.superWeight, 1, 256), "the super-weighting must be 1 to 256 cells");
  require(within(spec.noiseJyBeam, 0, 1e20), "the noise must be 0 or more Jy/beam");
  require(spec.noiseJyBeam > 0 || spec.sources, "peaks are multiples of the noise, which is 0");
  require(spec.sefdJy == 0 || (within(spec.sefdJy, 1e-6, 1e12) && spec.bandwidthMHz > 0),
          "noise from an SEFD needs a bandwidth");
  require(within(spec.efficiency, 1e-3, 1) && within(spec.integrationS, 1e-6, 1e6),
          "the efficiency must be 0.001 to 1, the integration 1e-6 to 1e6 s");
  require(within(spec.transients, 0, 1000) && within(spec.steady, 0, 1000), "the sources must be 0 to 1000");
  require(within(spec.tauMin, 1e-3, 1e4) && within(spec.tauMax, spec.tauMin, 1e4),
          "the widths in time must be 0.001 to 10000 frames, the least first");
  require(within(spec.sigmaOverPeak, 1e-6, 1e6), "the noise over the peak must be 1e-6 to 1e6");
  require(within(spec.spread, 1, 1000), "the spread of peaks must be 1 to 1000");
  require(within(spec.separationPx, 0, 100), "the separation must be 0 to 100 pixels");
  require(within(spec.beamPx, 0.5, 100), "the beam must be 0.5 to 100 pixels");
  require(within(spec.gainError, 0, 1) && within(spec.phaseErrorDeg, 0, 180),
          "gain errors must be 0 to 1, 0 to 180 degrees");
  require(!(spec.exact && spec.extendedJy != 0), "the exact mode has point sources only");
  for (const PlacedSource& it : spec.sources ? *spec.sources : std::vector<PlacedSource>{}) {
    const double side = static_cast<double>(spec.sizePx);
    require(within(it.x, 0, side - 1) && within(it.y, 0, side - 1) && it.tau > 0 && std::isfinite(it.peakJy),
            "a source lies outside the image");
  }
}

void checkGeometry(const CubeSpec& spec) {
  const double cell = cellRadians(spec), half = static_cast<double>(spec.sizePx) / 2 * cell;
  double farthest = 0;
  size_t outside = 0, all = 0;
  for (const int t : {0, spec.frames / 2, spec.frames - 1}) {
    for (const Visibility& it : frameVisibilities(spec.array, trackOf(spec), t)) {
      farthest = std::max(farthest, std::abs(it.w));
      if (!cellOf(it, 2 * spec.sizePx, cell).inside()) ++outside;
      ++all;
    }
  }
  require(farthest * half * half / 2 <= kMostWTerm,
          "baselines out of the plane turn the edge of the field by more than 0.1 (w term): a smaller field, "
          "array or frequency");
  const double share = static_cast<double>(outside) / static_cast<double>(all);
  require(share <= kMostOutside,
          std::to_string(static_cast<int>(std::lround(share * 100))) +
              " % of the baselines are longer than the pixel can show: a smaller pixel");
}

/// exp(-2 pi i (kx x + ky y)) along one axis.
std::vector<Complex> phases(double position, int64_t side, int64_t count) {
  std::vector<Complex> out(static_cast<size_t>(count));
  for (int64_t k = 0; k < count; ++k) {
    const int64_t signedK = k <= side / 2 ? k : k - side;
    const double turns = position * static_cast<double>(signedK) / static_cast<double>(side);
    out[static_cast<size_t>(k)] = Complex(std::polar(1.0, -2 * std::numbers::pi * turns));
  }
  return out;
}

class UvPlane {
 public:
  explicit UvPlane(const PlaneTransform& transform)
      : transform_(transform),
        memory_(static_cast<size_t>(transform.spectrumValues()) * sizeof(Complex)),
        plane_(static_cast<size_t>(transform.planeValues()) * sizeof(float)) {
    std::fill_n(values(), transform.spectrumValues(), Complex());
  }
  Complex* values() { return static_cast<Complex*>(memory_.data()); }

  void addNoise(const std::vector<float>& amplitude, double sigma, uint64_t key) {
    const auto scale =
        static_cast<float>(sigma * static_cast<double>(transform_.width()) / std::numbers::sqrt2);
    const float edge = std::numbers::sqrt2_v<float>;  // makeHermitian halves the variance there
    for (int64_t y = 0; y < transform_.height(); ++y) {
      for (int64_t x = 0; x < transform_.columns(); ++x) {
        const int64_t at = y * transform_.columns() + x;
        const float strength = amplitude[static_cast<size_t>(at)];
        if (strength == 0) continue;
        const NormalPair pair = normals(mix(key, static_cast<uint64_t>(at)));
        const float here = strength * scale * (x == 0 || x == transform_.width() / 2 ? edge : 1);
        values()[at] += Complex(pair.a * here, pair.b * here);
      }
    }
  }

  void addSource(double x, double y, double flux, const CellResponse& response) {
    const std::vector<Complex> across = phases(x, transform_.width(), transform_.columns());
    const std::vector<Complex> down = phases(y, transform_.height(), transform_.height());
    for (int64_t row = 0; row < transform_.height(); ++row) {
      const Complex turned = down[static_cast<size_t>(row)] * static_cast<float>(flux);
      for (int64_t k = 0; k < transform_.columns(); ++k)
        addThrough(row * transform_.columns() + k, turned * across[static_cast<size_t>(k)], response);
    }
  }

  /// A Gaussian of this sigma in pixels around the middle of the image.
  void addBlob(double flux, double sigmaPx, double middle, const CellResponse& response) {
    const std::vector<Complex> across = phases(middle, transform_.width(), transform_.columns());
    const std::vector<Complex> down = phases(middle, transform_.height(), transform_.height());
    const auto side = static_cast<double>(transform_.width());
    for (int64_t row = 0; row < transform_.height(); ++row) {
      const double ky = static_cast<double>(row <= transform_.height() / 2 ? row : row - transform_.height());
      for (int64_t k = 0; k < transform_.columns(); ++k) {
        const double r2 = (ky * ky + static_cast<double>(k * k)) / (side * side);
        const double fall =
            flux * std::exp(-2 * std::numbers::pi * std::numbers::pi * sigmaPx * sigmaPx * r2);
        addThrough(row * transform_.columns() + k,
                   down[static_cast<size_t>(row)] * across[static_cast<size_t>(k)] * static_cast<float>(fall),
                   response);
      }
    }
  }

  /// The image of what was added, from its corner (0,0); used up.
  const float* image() {
    transform_.makeHermitian(values());
    transform_.inverse(values(), plane_.floats());
    return plane_.floats();
  }

 private:
  void addThrough(int64_t at, Complex value, const CellResponse& response) {
    const auto i = static_cast<size_t>(at);
    values()[at] += response.disturbed.empty() ? value * response.transfer[i] : value * response.disturbed[i];
  }

  const PlaneTransform& transform_;
  Buffer memory_, plane_;
};

std::vector<float> psfImage(const PlaneTransform& transform, const std::vector<float>& transfer) {
  UvPlane uv(transform);
  std::copy(transfer.begin(), transfer.end(), uv.values());
  const float* corner = uv.image();
  const int64_t side = transform.width(), half = side / 2;
  std::vector<float> out(static_cast<size_t>(side * side));
  for (int64_t y = 0; y < side; ++y) {
    for (int64_t x = 0; x < side; ++x)
      out[static_cast<size_t>(y * side + x)] = corner[(y + half) % side * side + (x + half) % side];
  }
  return out;
}

std::vector<float> truthImage(const CubeSpec& spec, const std::vector<CubeSource>& sources, int t) {
  const int64_t size = spec.sizePx;
  std::vector<double> sum(static_cast<size_t>(size * size), 0.0);
  const auto paint = [&](double x0, double y0, double peak, double sigma) {
    for (int64_t y = 0; y < size; ++y) {
      const double dy = (static_cast<double>(y) - y0) / sigma;
      for (int64_t x = 0; x < size; ++x) {
        const double dx = (static_cast<double>(x) - x0) / sigma;
        sum[static_cast<size_t>(y * size + x)] += peak * std::exp(-0.5 * (dx * dx + dy * dy));
      }
    }
  };
  const double beam = spec.beamPx / kFwhmPerSigma;
  for (const CubeSource& source : sources) {
    const double flux = source.fluxJy[static_cast<size_t>(t)];
    if (flux != 0) paint(source.placed.x, source.placed.y, flux, beam);
  }
  if (spec.extendedJy != 0) {
    const double blob = static_cast<double>(size) / kExtentPerBlob, wide = std::hypot(blob, beam);
    const double middle = static_cast<double>(size) / 2;
    paint(middle, middle, spec.extendedJy * beam * beam / (wide * wide), wide);
  }
  return {sum.begin(), sum.end()};
}

}  // namespace

CubeObservation::CubeObservation(const CubeSpec& spec) : spec_(spec) {
  require(spec.array.antennas.size() >= 2, "an array needs 2 antennas");
  checkNumbers(spec);
  checkGeometry(spec);
  // Peaks are multiples of the noise there is.
  if (spec_.sefdJy > 0) spec_.noiseJyBeam = sigma(spec_.frames / 2);
  sources_ = drawCubeSources(spec_);
}

double CubeObservation::sigma(int t) const {
  if (spec_.sefdJy == 0) return spec_.noiseJyBeam;
  const std::vector<Visibility> visibilities = frameVisibilities(spec_.array, trackOf(spec_), t);
  return thermalNoise(spec_, gridOf(spec_, visibilities));
}

CubeFrame CubeObservation::frame(int t) const {
  CubeFrame out;
  out.truth = truthImage(spec_, sources_, t);
  if (spec_.exact) {
    ExactImages images = exactImages(spec_, sources_, t, sigma(t));
    out.dirty = std::move(images.dirty);
    out.psf = std::move(images.psf);
    return out;
  }
  const int64_t size = spec_.sizePx, side = 2 * size;
  const std::vector<Visibility> visibilities = frameVisibilities(spec_.array, trackOf(spec_), t);
  const UvGrid grid = gridOf(spec_, visibilities);
  const CellResponse response = cellResponse(spec_, t, grid, visibilities);
  const double noise = spec_.sefdJy == 0 ? spec_.noiseJyBeam : thermalNoise(spec_, grid);
  const PlaneTransform transform(side, side);
  UvPlane uv(transform);
  if (noise > 0)
    uv.addNoise(response.noise, noise, mix(mix(spec_.seed, 0x6e6f697365), static_cast<uint64_t>(t)));
  for (const CubeSource& source : sources_) {
    const double flux = source.fluxJy[static_cast<size_t>(t)];
    if (flux != 0) uv.addSource(source.placed.x, source.placed.y, flux, response);
  }
  if (spec_.extendedJy != 0) {
    const double blob = static_cast<double>(size) / kExtentPerBlob;
    uv.addBlob(spec_.extendedJy, blob, static_cast<double>(size) / 2, response);
  }
  const float* image = uv.image();
  out.dirty.resize(static_cast<size_t>(size * size));
  for (int64_t y = 0; y < size; ++y)
    std::copy_n(image + y * side, size, out.dirty.begin() + static_cast<std::ptrdiff_t>(y * size));
  out.psf = psfImage(transform, response.transfer);
  return out;
}

}  // namespace otf
