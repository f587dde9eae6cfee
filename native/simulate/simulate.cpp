#include "simulate/simulate.h"

#include <algorithm>
#include <cmath>
#include <exception>
#include <thread>

#include "error/error.h"
#include "fits/fits.h"
#include "simulate/noise.h"
#include "simulate/sources.h"
#include "sky/wcs.h"

namespace otf {
namespace {

using namespace simulate;

// Fixed, so that the order of additions, and with it every bit, does not depend on the number of threads.
constexpr int64_t kBandRows = 128;
constexpr int64_t kMostThreads = 64;

void validate(const SimulateSpec& spec) {
  const auto require = [](bool good, const char* what) {
    if (!good) throw OtfError(Code::kInvalidArgument, what);
  };
  require(spec.sizePx >= 16 && spec.sizePx <= 32768,
          "the size of a simulated field must be 16 to 32768 pixels");
  require(spec.density >= 0 && spec.density <= 0.01, "the density must be 0 to 0.01 sources per pixel");
  require(spec.noiseJyBeam > 1e-30 && spec.noiseJyBeam < 1e30,
          "the noise must be a positive number of Jy/beam");
}

FitsKey number(const char* name, double value, const char* comment) {
  return {name, comment, "", value, false, false};
}
FitsKey text(const char* name, const char* value, const char* comment) {
  return {name, comment, value, 0, true, false};
}

std::vector<FitsKey> headerOf(const SimulateSpec& spec) {
  const double pixelDeg = kPixelArcsec / 3600, beamDeg = kBeamArcsec / 3600;
  const int64_t middlePx = spec.sizePx / 2 + 1;
  const auto centre = static_cast<double>(middlePx);
  return {
      text("BUNIT", "Jy/beam", "brightness unit"),
      number("BMAJ", beamDeg, "[deg] beam, full width at half maximum"),
      number("BMIN", beamDeg, "[deg]"),
      number("BPA", 0, "[deg] North through East"),
      text("CTYPE1", "RA---SIN", "right ascension, orthographic"),
      number("CRPIX1", centre, "reference pixel"),
      number("CRVAL1", 150.1, "[deg]"),
      number("CDELT1", -pixelDeg, "[deg]"),
      text("CUNIT1", "deg", ""),
      text("CTYPE2", "DEC--SIN", "declination, orthographic"),
      number("CRPIX2", centre, "reference pixel"),
      number("CRVAL2", -30.2, "[deg]"),
      number("CDELT2", pixelDeg, "[deg]"),
      text("CUNIT2", "deg", ""),
      text("CTYPE3", "FREQ", "frequency"),
      number("CRPIX3", 1, ""),
      number("CRVAL3", 5.6e8, "[Hz]"),
      number("CDELT3", 1e8, "[Hz]"),
      text("CUNIT3", "Hz", ""),
      text("CTYPE4", "STOKES", "Stokes I"),
      number("CRPIX4", 1, ""),
      number("CRVAL4", 1, ""),
      number("CDELT4", 1, ""),
      text("RADESYS", "ICRS", "celestial frame"),
      text("OBJECT", "SIMULATED FIELD", "no real sky"),
      text("TELESCOP", "SIMULATED", ""),
      number("SIMNOISE", spec.noiseJyBeam, "[Jy/beam] standard deviation of the noise"),
      number("SIMDENS", spec.density, "sources per pixel"),
      text("SIMSEED", std::to_string(spec.seed).c_str(), "seed of the random numbers"),
  };
}

/// One band of the image, by one thread.
struct BandWorker {
  BeamNoise noise;
  std::vector<float> pixels;
  std::exception_ptr failure;

  void run(const SimulateSpec& spec, int64_t band, const Sources& sources,
           const std::vector<int32_t>& touching) {
    try {
      const int64_t row0 = band * kBandRows, rows = std::min(kBandRows, spec.sizePx - row0);
      pixels.resize(static_cast<size_t>(rows * spec.sizePx));
      noise.fill(row0, rows, pixels.data());
      for (const int32_t i : touching) {
        paint(sources.blobs[static_cast<size_t>(i)], spec.sizePx, row0, rows, pixels.data());
      }
    } catch (...) {
      failure = std::current_exception();
    }
  }
};

void writeBands(const SimulateSpec& spec, const Sources& sources, FitsImageWriter& writer, int64_t threads) {
  const std::vector<std::vector<int32_t>> touching = sourcesByBand(sources.blobs, spec.sizePx, kBandRows);
  const auto bands = static_cast<int64_t>(touching.size());
  const double beamSigmaPx = kBeamArcsec / (kPixelArcsec * kFwhmPerSigma);
  std::vector<BandWorker> workers(
      static_cast<size_t>(std::min(threads, bands)),
      BandWorker{BeamNoise(spec.seed, spec.sizePx, beamSigmaPx, spec.noiseJyBeam), {}, {}});
  const auto crew = static_cast<int64_t>(workers.size());
  for (int64_t first = 0; first < bands; first += crew) {
    const int64_t count = std::min(crew, bands - first);
    {
      std::vector<std::jthread> running;
      for (int64_t i = 0; i < count; ++i) {
        running.emplace_back([&, i] {
          workers[static_cast<size_t>(i)].run(spec, first + i, sources,
                                              touching[static_cast<size_t>(first + i)]);
        });
      }
    }
    for (int64_t i = 0; i < count; ++i) {
      const BandWorker& worker = workers[static_cast<size_t>(i)];
      if (worker.failure) std::rethrow_exception(worker.failure);
      writer.writeRows(worker.pixels.data(), static_cast<int64_t>(worker.pixels.size()) / spec.sizePx);
    }
  }
}

void addSkyPositions(SimulatedTruth& truth, const std::string& path) {
  const FitsImage image = FitsImage::open(path);
  std::vector<std::string> warnings;
  const std::optional<Wcs> wcs = Wcs::fromCards(image.info().cards, image.info().axes, warnings);
  if (!wcs || !warnings.empty())
    throw OtfError(Code::kInternal, "the simulated field has no sound celestial WCS");
  truth.raDeg.resize(truth.count());
  truth.decDeg.resize(truth.count());
  std::vector<uint8_t> ok(truth.count());
  wcs->pixelToSky(truth.x, truth.y, truth.raDeg, truth.decDeg, ok);
}

}  // namespace

SimulatedTruth simulateToFits(const SimulateSpec& spec, const std::string& path, int threads) {
  validate(spec);
  const int64_t available = threads > 0 ? threads : static_cast<int64_t>(std::thread::hardware_concurrency());
  Sources sources = drawSources(spec);
  FitsImageWriter writer(path, spec.sizePx, spec.sizePx, headerOf(spec), {1, 1});
  writeBands(spec, sources, writer, std::clamp<int64_t>(available, 1, kMostThreads));
  writer.finish();
  addSkyPositions(sources.truth, path);
  return std::move(sources.truth);
}

}  // namespace otf
