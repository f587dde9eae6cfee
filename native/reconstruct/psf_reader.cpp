#include "reconstruct/psf_reader.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <limits>
#include <optional>
#include <utility>

#include "error/error.h"
#include "reconstruct/cube_axes.h"
#include "reconstruct/linear_axis.h"
#include "sky/gaussian.h"

namespace otf {
namespace {

constexpr double kCore = 0.35;      // of the peak
constexpr double kSameCell = 0.01;  // pixels may differ by so much

[[noreturn]] void refuse(const std::string& label, const std::string& what) {
  throw OtfError(Code::kCubeInvalid, "PSF " + label + ": " + what);
}

/// Gaussian elimination for the three coefficients of the quadratic form.
bool solve(std::array<std::array<double, 4>, 3>& a) {
  for (size_t i = 0; i < 3; ++i) {
    size_t pivot = i;
    for (size_t j = i + 1; j < 3; ++j) {
      if (std::abs(a[j][i]) > std::abs(a[pivot][i])) pivot = j;
    }
    std::swap(a[i], a[pivot]);
    if (std::abs(a[i][i]) < 1e-12) return false;
    for (size_t j = 0; j < 3; ++j) {
      if (j == i) continue;
      const double factor = a[j][i] / a[i][i];
      for (size_t k = i; k < 4; ++k) a[j][k] -= factor * a[i][k];
    }
  }
  for (size_t i = 0; i < 3; ++i) a[i][3] /= a[i][i];
  return true;
}

/// Whether it is above 0 and every other pixel below it, none blank: what nearly every PSF is, seen in one quick pass.
bool isOnlyTop(const std::vector<float>& pixels, float top) {
  size_t others = 0;
  for (const float v : pixels) others += v < top ? 0 : 1;
  return top > 0 && others == 1;
}

void requirePeakInTheMiddle(const std::vector<float>& pixels, int64_t width, int64_t cx, int64_t cy,
                            const std::string& label) {
  if (std::any_of(pixels.begin(), pixels.end(), [](float v) { return std::isnan(v); }))
    refuse(label, "it has blank pixels");
  const auto top = std::max_element(pixels.begin(), pixels.end()) - pixels.begin();
  if (!(pixels[static_cast<size_t>(top)] > 0)) refuse(label, "it has no peak");
  const int64_t tx = top % width, ty = top / width;
  if (tx == cx && ty == cy) return;
  refuse(label, "its peak is at pixel " + std::to_string(tx + 1) + "," + std::to_string(ty + 1) +
                    ", not in the middle at " + std::to_string(cx + 1) + "," + std::to_string(cy + 1));
}

/// One of other pixels is the response of another image, and all fluxes would be wrong.
void compareCells(const FitsInfo& psf, const CubeInfo& cube, std::vector<std::string>& warnings) {
  const std::optional<double> own = cellDeg(psf.cards, psf.axes), wanted = cellDeg(cube.cards, cube.axes);
  if (!own || !wanted || std::abs(*own / *wanted - 1) <= kSameCell) return;
  std::array<char, 96> sizes{};
  constexpr double kArcsec = 3600;
  std::snprintf(sizes.data(), sizes.size(), "%.4g arcsec wide, those of the cube %.4g", *own * kArcsec,
                *wanted * kArcsec);
  warnings.push_back("the pixels of the PSF " + psf.label + " are " + sizes.data() +
                     ": is it that of another image? Fluxes would be wrong");
}

}  // namespace

PsfReader PsfReader::open(const std::vector<CubeFile>& files, const CubeInfo& cube) {
  if (files.empty()) throw OtfError(Code::kInvalidArgument, "no PSF was given");
  PsfReader out;
  out.files_ = files;
  const FitsImage first = FitsImage::open(files[0].path, {std::nullopt, 0, files[0].label});
  PsfInfo& info = out.info_;
  info.label = first.info().label;
  info.width = first.info().width;
  info.height = first.info().height;
  compareCells(first.info(), cube, info.warnings);
  if (files.size() == 1) {
    PsfAxes axes = readPsfAxes(first.info(), cube.band, cube.frames);
    if (axes.bands != 1 && axes.bands != cube.bands) {
      refuse(info.label,
             "it has " + std::to_string(axes.bands) + " bands, the cube has " + std::to_string(cube.bands));
    }
    if (axes.perFrame && static_cast<int>(axes.planes.size()) != cube.frames) {
      refuse(info.label, "it has " + std::to_string(axes.planes.size()) + " frames, the cube has " +
                             std::to_string(cube.frames));
    }
    info.bands = axes.bands;
    out.planes_ = std::move(axes.planes);
    info.perFrame = axes.perFrame;
  } else {
    if (static_cast<int>(files.size()) != cube.frames) {
      refuse(info.label, std::to_string(files.size()) + " files were given for " +
                             std::to_string(cube.frames) + " frames");
    }
    for (const CubeFile& file : files) {
      const FitsImage image = FitsImage::open(file.path, {std::nullopt, 0, file.label});
      if (image.info().width != info.width || image.info().height != info.height || image.info().planes != 1)
        refuse(image.info().label, "it has another shape than " + info.label);
    }
    out.planes_.assign(files.size(), 0);
    info.perFrame = true;
  }
  if (info.width < cube.width || info.height < cube.height) {
    refuse(info.label, std::to_string(info.width) + "x" + std::to_string(info.height) +
                           " pixels are fewer than the cube's " + std::to_string(cube.width) + "x" +
                           std::to_string(cube.height));
  }
  if (info.width < 2 * cube.width || info.height < 2 * cube.height) {
    info.warnings.push_back("PSF " + info.label +
                            " is smaller than twice the image: sidelobes further out than it are not known");
  }
  return out;
}

FitsImage PsfReader::openFrame(int frame) const {
  const size_t which = info_.perFrame ? static_cast<size_t>(frame) : 0;
  const CubeFile& file = files_[files_.size() == 1 ? 0 : which];
  return FitsImage::open(file.path, {std::nullopt, planes_[files_.size() == 1 ? which : 0], file.label});
}

void PsfReader::read(int frame, int64_t height, int64_t width, float* out, std::vector<float>& pixels) const {
  FitsImage image = openFrame(frame);
  pixels.resize(static_cast<size_t>(info_.width * info_.height));
  image.readWindow(0, 0, info_.width, info_.height, pixels.data(), info_.width);
  const int64_t cx = info_.width / 2, cy = info_.height / 2;
  const float top = pixels[static_cast<size_t>(cy * info_.width + cx)];
  if (!isOnlyTop(pixels, top))
    requirePeakInTheMiddle(pixels, info_.width, cx, cy,
                           info_.label + (info_.perFrame ? ", frame " + std::to_string(frame + 1) : ""));
  const float scale = 1 / top;
  std::fill_n(out, height * width, 0.0F);
  // What would meet itself on the other side is cut off.
  const int64_t left = std::min(cx, width / 2), right = std::min(info_.width - cx, (width + 1) / 2);
  for (int64_t y = std::max<int64_t>(0, cy - height / 2); y < std::min(info_.height, cy + (height + 1) / 2);
       ++y) {
    const float* middle = pixels.data() + y * info_.width + cx;
    float* row = out + (y - cy + height) % height * width;
    for (int64_t x = 0; x < right; ++x) row[x] = scale * middle[x];
    for (int64_t x = -left; x < 0; ++x) row[width + x] = scale * middle[x];
  }
}

void PsfReader::readCore(int frame, int64_t side, float* out) const {
  const int64_t cx = info_.width / 2, cy = info_.height / 2, half = side / 2;
  const int64_t x0 = std::max<int64_t>(0, cx - half), y0 = std::max<int64_t>(0, cy - half);
  const int64_t columns = std::min(info_.width, cx + half) - x0,
                rows = std::min(info_.height, cy + half) - y0;
  std::vector<float> pixels(static_cast<size_t>(columns * rows));
  openFrame(frame).readWindow(x0, y0, columns, rows, pixels.data(), columns);
  const float scale = 1 / pixels[static_cast<size_t>((cy - y0) * columns + cx - x0)];
  std::fill_n(out, side * side, 0.0F);
  for (int64_t y = 0; y < rows; ++y) {
    for (int64_t x = 0; x < columns; ++x) {
      const int64_t row = (y + y0 - cy + side) % side, column = (x + x0 - cx + side) % side;
      out[row * side + column] = scale * pixels[static_cast<size_t>(y * columns + x)];
    }
  }
}

double psfFwhm(const float* plane, int64_t height, int64_t width) {
  std::array<std::array<double, 4>, 3> sums{};
  int used = 0;
  for (int64_t dy = -2; dy <= 2; ++dy) {
    for (int64_t dx = -2; dx <= 2; ++dx) {
      const auto value = static_cast<double>(plane[(dy + height) % height * width + (dx + width) % width]);
      if (!(value > kCore)) continue;
      const auto x = static_cast<double>(dx), y = static_cast<double>(dy);
      const std::array<double, 3> row{x * x, x * y, y * y};
      for (size_t i = 0; i < 3; ++i) {
        for (size_t j = 0; j < 3; ++j) sums[i][j] += row[i] * row[j];
        sums[i][3] -= row[i] * std::log(value);
      }
      ++used;
    }
  }
  if (used < 5 || !solve(sums)) return std::numeric_limits<double>::quiet_NaN();
  // -log p = a x^2 + b x y + c y^2: the product of the eigenvalues is ac - b^2/4.
  const double determinant = sums[0][3] * sums[2][3] - sums[1][3] * sums[1][3] / 4;
  if (!(determinant > 0) || !(sums[0][3] > 0)) return std::numeric_limits<double>::quiet_NaN();
  return kFwhmPerSigma / std::sqrt(2 * std::sqrt(determinant));
}

double psfSidelobes(const float* plane, int64_t height, int64_t width, double beamPx) {
  const double least = kSidelobesFrom * beamPx, most = kSidelobesTo * beamPx;
  const auto reach = std::min<int64_t>(static_cast<int64_t>(most), (std::min(height, width) - 1) / 2);
  double squares = 0, count = 0;
  for (int64_t dy = -reach; dy <= reach; ++dy) {
    for (int64_t dx = -reach; dx <= reach; ++dx) {
      const double away = std::hypot(static_cast<double>(dx), static_cast<double>(dy));
      if (away < least || away > most) continue;
      const auto value = static_cast<double>(plane[(dy + height) % height * width + (dx + width) % width]);
      squares += value * value;
      count += 1;
    }
  }
  return std::sqrt(squares / count);
}

}  // namespace otf
