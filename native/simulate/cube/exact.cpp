#include "simulate/cube/exact.h"

#include <cmath>
#include <numbers>

#include "simulate/random.h"

namespace otf::simulate {
namespace {

constexpr int kSupport = 8;  // cells a visibility is spread over, each way
constexpr double kOversampling = 2;

double kernelBeta() {
  const double width = kSupport / kOversampling * (kOversampling - 0.5);
  return std::numbers::pi * std::sqrt(width * width - 0.8);
}

double kernel(double distance) {
  static const double beta = kernelBeta(), top = std::cyl_bessel_i(0.0, beta);
  const double t = 2 * distance / kSupport;
  return std::abs(t) >= 1 ? 0 : std::cyl_bessel_i(0.0, beta * std::sqrt(1 - t * t)) / top;
}

/// Fourier transform of the kernel at `pixels` from the middle of an image of side `side`, up to a constant.
double kernelTransform(double pixels, double side) {
  const double a = std::numbers::pi * kSupport * pixels / side;
  const double root = std::sqrt(kernelBeta() * kernelBeta() - a * a);
  return std::sinh(root) / root;
}

/// A uv grid twice as fine as the PSF's field needs, both halves.
class Gridder {
 public:
  explicit Gridder(int64_t side) : side_(side), cells_(static_cast<size_t>(side * side), 0.0) {}

  /// Spreads a value over the cells around (x, y) in cells, and its conjugate around (-x, -y).
  void add(double x, double y, std::complex<double> value) {
    spread(x, y, value);
    spread(-x, -y, std::conj(value));
  }

  /// The image, [crop][crop] around its middle, corrected for the kernel.
  std::vector<float> image(int64_t crop) const {
    const PlaneTransform transform(side_, side_);
    const Buffer spectrum(static_cast<size_t>(transform.spectrumValues()) * sizeof(Complex));
    const Buffer plane(static_cast<size_t>(transform.planeValues()) * sizeof(float));
    auto* half = static_cast<Complex*>(spectrum.data());
    for (int64_t y = 0; y < side_; ++y) {
      for (int64_t x = 0; x <= side_ / 2; ++x)
        half[y * (side_ / 2 + 1) + x] = Complex(cells_[static_cast<size_t>(y * side_ + x)]);
    }
    transform.makeHermitian(half);
    transform.inverse(half, plane.floats());
    const double middle = kernelTransform(0, static_cast<double>(side_));
    std::vector<double> correction(static_cast<size_t>(crop));
    for (int64_t i = 0; i < crop; ++i) {
      const double offset = static_cast<double>(i) - static_cast<double>(crop) / 2;
      correction[static_cast<size_t>(i)] = middle / kernelTransform(offset, static_cast<double>(side_));
    }
    std::vector<float> out(static_cast<size_t>(crop * crop));
    for (int64_t y = 0; y < crop; ++y) {
      const int64_t row = (y - crop / 2 + side_) % side_;
      for (int64_t x = 0; x < crop; ++x) {
        const int64_t column = (x - crop / 2 + side_) % side_;
        out[static_cast<size_t>(y * crop + x)] =
            static_cast<float>(double(plane.floats()[row * side_ + column]) *
                               correction[static_cast<size_t>(y)] * correction[static_cast<size_t>(x)]);
      }
    }
    return out;
  }

 private:
  void spread(double x, double y, std::complex<double> value) {
    const auto x0 = static_cast<int64_t>(std::ceil(x - kSupport / 2.0));
    const auto y0 = static_cast<int64_t>(std::ceil(y - kSupport / 2.0));
    double across[kSupport];
    for (int i = 0; i < kSupport; ++i) across[i] = kernel(static_cast<double>(x0 + i) - x);
    for (int j = 0; j < kSupport; ++j) {
      const double down = kernel(static_cast<double>(y0 + j) - y);
      const int64_t row = ((y0 + j) % side_ + side_) % side_;
      for (int i = 0; i < kSupport; ++i) {
        const int64_t column = ((x0 + i) % side_ + side_) % side_;
        cells_[static_cast<size_t>(row * side_ + column)] += down * across[i] * value;
      }
    }
  }

  int64_t side_;
  std::vector<std::complex<double>> cells_;
};

std::complex<double> modelVisibility(const Visibility& it, const std::vector<CubeSource>& sources, int frame,
                                     double middle, double cellRad) {
  std::complex<double> sum = 0;
  for (const CubeSource& source : sources) {
    const double l = -(source.placed.x - middle) * cellRad, m = (source.placed.y - middle) * cellRad;
    sum +=
        std::polar(source.fluxJy[static_cast<size_t>(frame)], -2 * std::numbers::pi * (it.u * l + it.v * m));
  }
  return sum;
}

}  // namespace

ExactImages exactImages(const CubeSpec& spec, const std::vector<CubeSource>& sources, int frame,
                        double noise) {
  const int64_t size = spec.sizePx, side = 2 * size, fine = static_cast<int64_t>(kOversampling) * side;
  const double cell = cellRadians(spec), scale = static_cast<double>(fine) * cell;
  const std::vector<Visibility> visibilities = frameVisibilities(spec.array, trackOf(spec), frame);
  const UvGrid grid = gridOf(spec, visibilities);
  const std::vector<std::complex<double>> gains = antennaGains(spec, frame);
  const double perVisibility = noise * grid.sumWeight / std::sqrt(2 * grid.sumSquares);
  const uint64_t key = mix(mix(spec.seed, 0x766973), static_cast<uint64_t>(frame));
  Gridder sky(fine), beam(fine);
  uint64_t counter = 0;
  for (const Visibility& it : visibilities) {
    const NormalPair draw = normals(mix(key, counter++));
    const Cell at = cellOf(it, side, cell);
    if (!at.inside()) continue;
    const double weight = grid.weight[static_cast<size_t>(at.y * side + at.x)];
    std::complex<double> value = modelVisibility(it, sources, frame, static_cast<double>(size) / 2, cell) *
                                 gains[static_cast<size_t>(it.first)] *
                                 std::conj(gains[static_cast<size_t>(it.second)]);
    value += perVisibility * std::complex<double>(draw.a, draw.b);
    sky.add(-it.u * scale, it.v * scale, weight * value);
    beam.add(-it.u * scale, it.v * scale, weight);
  }
  ExactImages out{sky.image(size), beam.image(side)};
  const float peak = out.psf[static_cast<size_t>(size * side + size)];
  for (float& value : out.dirty) value /= peak;
  for (float& value : out.psf) value /= peak;
  return out;
}

}  // namespace otf::simulate
