#include "simulate/cube/response.h"

#include <cmath>
#include <numbers>

#include "simulate/random.h"

namespace otf::simulate {
namespace {

constexpr double kLightMPerS = 299792458.0;

size_t flat(int64_t side, int64_t x, int64_t y) { return static_cast<size_t>(y * side + x); }

/// The cell of the conjugate visibility.
Cell mirrored(Cell cell, int64_t side) { return {(side - cell.x) % side, (side - cell.y) % side}; }

/// Of each cell, the sum over the box it is in: `box` cells to a side, one around (0,0), so that conjugates have the same.
std::vector<double> boxCounts(const std::vector<double>& count, int64_t side, int box) {
  const auto boxOf = [&](int64_t cell) {
    const int64_t away = cell < side / 2 ? cell : cell - side;
    return std::lround(static_cast<double>(away) / box);
  };
  const int64_t half = std::lround(static_cast<double>(side) / 2 / box), boxes = 2 * half + 1;
  std::vector<double> sums(static_cast<size_t>(boxes * boxes));
  const auto sumAt = [&](int64_t x, int64_t y) -> double& {
    return sums[flat(boxes, boxOf(x) + half, boxOf(y) + half)];
  };
  for (int64_t y = 0; y < side; ++y) {
    for (int64_t x = 0; x < side; ++x) sumAt(x, y) += count[flat(side, x, y)];
  }
  std::vector<double> out(count.size());
  for (int64_t y = 0; y < side; ++y) {
    for (int64_t x = 0; x < side; ++x) out[flat(side, x, y)] = sumAt(x, y);
  }
  return out;
}

}  // namespace

double cellRadians(const CubeSpec& spec) { return spec.cellArcsec / 3600 * std::numbers::pi / 180; }

Track trackOf(const CubeSpec& spec) {
  Track track;
  track.declinationDeg = spec.declinationDeg;
  track.middleHourAngleDeg = spec.hourAngleDeg;
  track.spanDeg = spec.hours * 15;
  track.frames = spec.frames;
  track.snapshots = spec.snapshots;
  for (int c = 0; c < spec.channels; ++c) {
    const double offset = (c + 0.5) / spec.channels - 0.5;
    track.wavelengthsM.push_back(kLightMPerS / ((spec.frequencyMHz + offset * spec.bandwidthMHz) * 1e6));
  }
  return track;
}

Cell cellOf(const Visibility& it, int64_t side, double cellRad) {
  const double scale = static_cast<double>(side) * cellRad;
  const double x = std::rint(-it.u * scale), y = std::rint(it.v * scale);
  const double half = static_cast<double>(side) / 2;
  if (!(std::abs(x) < half && std::abs(y) < half)) return {};
  return {(static_cast<int64_t>(x) + side) % side, (static_cast<int64_t>(y) + side) % side};
}

UvGrid gridWeights(const std::vector<Visibility>& visibilities, int64_t side, double cellRad,
                   Weighting weighting, double robust, int superWeight) {
  UvGrid grid;
  grid.count.assign(static_cast<size_t>(side * side), 0);
  for (const Visibility& it : visibilities) {
    const Cell cell = cellOf(it, side, cellRad);
    if (!cell.inside()) continue;
    const Cell other = mirrored(cell, side);
    grid.count[flat(side, cell.x, cell.y)] += 1;
    grid.count[flat(side, other.x, other.y)] += 1;
  }
  std::vector<double> boxes;
  if (superWeight > 1) boxes = boxCounts(grid.count, side, superWeight);
  const double* const around = superWeight > 1 ? boxes.data() : grid.count.data();
  double sum = 0, squares = 0;
  for (size_t i = 0; i < grid.count.size(); ++i) {
    sum += grid.count[i];
    squares += grid.count[i] * around[i];
  }
  const double f2 = sum > 0 ? 25 * std::pow(10, -2 * robust) * sum / squares : 0;
  grid.weight.assign(grid.count.size(), 0);
  for (size_t i = 0; i < grid.count.size(); ++i) {
    const double n = grid.count[i];
    if (n == 0) continue;
    double w = 1;
    if (weighting == Weighting::kUniform) w = 1 / around[i];
    if (weighting == Weighting::kBriggs) w = 1 / (1 + around[i] * f2);
    grid.weight[i] = w;
    grid.sumWeight += n * w;
    grid.sumSquares += n * w * w;
  }
  return grid;
}

UvGrid gridOf(const CubeSpec& spec, const std::vector<Visibility>& visibilities) {
  return gridWeights(visibilities, 2 * spec.sizePx, cellRadians(spec), spec.weighting, spec.robust,
                     spec.superWeight);
}

std::vector<std::complex<double>> antennaGains(const CubeSpec& spec, int frame) {
  std::vector<std::complex<double>> gains(spec.array.antennas.size(), 1.0);
  if (spec.gainError == 0 && spec.phaseErrorDeg == 0) return gains;
  const uint64_t key = mix(mix(spec.seed, 0x6761696e), static_cast<uint64_t>(frame));
  for (size_t i = 0; i < gains.size(); ++i) {
    const NormalPair pair = normals(mix(key, i));
    gains[i] = std::polar(1 + spec.gainError * pair.a, spec.phaseErrorDeg * pair.b * std::numbers::pi / 180);
  }
  return gains;
}

CellResponse cellResponse(const CubeSpec& spec, int frame, const UvGrid& grid,
                          const std::vector<Visibility>& visibilities) {
  const int64_t side = 2 * spec.sizePx, columns = side / 2 + 1;
  const double cells = static_cast<double>(side * side);
  CellResponse out;
  out.transfer.resize(static_cast<size_t>(side * columns));
  out.noise.resize(out.transfer.size());
  for (int64_t y = 0; y < side; ++y) {
    for (int64_t x = 0; x < columns; ++x) {
      const size_t cell = flat(side, x, y), half = static_cast<size_t>(y * columns + x);
      const double w = grid.weight[cell], n = grid.count[cell];
      out.transfer[half] = static_cast<float>(n * w * cells / grid.sumWeight);
      out.noise[half] = static_cast<float>(w * std::sqrt(n * cells / grid.sumSquares));
    }
  }
  if (spec.gainError == 0 && spec.phaseErrorDeg == 0) return out;
  const std::vector<std::complex<double>> gains = antennaGains(spec, frame);
  std::vector<std::complex<double>> sums(grid.count.size(), 0.0);
  for (const Visibility& it : visibilities) {
    const Cell cell = cellOf(it, side, cellRadians(spec));
    if (!cell.inside()) continue;
    const Cell other = mirrored(cell, side);
    const std::complex<double> gain =
        gains[static_cast<size_t>(it.first)] * std::conj(gains[static_cast<size_t>(it.second)]);
    sums[flat(side, cell.x, cell.y)] += gain;
    sums[flat(side, other.x, other.y)] += std::conj(gain);
  }
  out.disturbed.resize(out.transfer.size());
  for (int64_t y = 0; y < side; ++y) {
    for (int64_t x = 0; x < columns; ++x) {
      const size_t cell = flat(side, x, y);
      out.disturbed[static_cast<size_t>(y * columns + x)] =
          Complex(sums[cell] * (grid.weight[cell] * cells / grid.sumWeight));
    }
  }
  return out;
}

double thermalNoise(const CubeSpec& spec, const UvGrid& grid) {
  // Per real part of a visibility (Thompson, Moran & Swenson, equation 6.50); grid sums count each one twice.
  const double channelHz = spec.bandwidthMHz * 1e6 / spec.channels;
  const double perVisibility = spec.sefdJy / (spec.efficiency * std::sqrt(2 * channelHz * spec.integrationS));
  return perVisibility * std::sqrt(2 * grid.sumSquares) / grid.sumWeight;
}

}  // namespace otf::simulate
