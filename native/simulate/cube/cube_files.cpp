#include <algorithm>
#include <filesystem>
#include <thread>

#include "error/error.h"
#include "fits/fits.h"
#include "simulate/cube/cube.h"
#include "simulate/cube/response.h"
#include "sky/wcs.h"
#include "threads/in_threads.h"

namespace otf {
namespace {

using namespace simulate;

constexpr double kMjdStart = 60000;  // 2023-02-25, a date of no meaning
constexpr double kRaDeg = 150.1;
constexpr int kMostThreads = 64;

FitsKey number(const char* name, double value, const char* comment) {
  return {name, comment, "", value, false, false};
}
FitsKey text(const char* name, const std::string& value, const char* comment) {
  return {name, comment, value, 0, true, false};
}

void addTimeAxis(std::vector<FitsKey>& keys, const CubeObservation& observation) {
  const double step = observation.frameSeconds();
  keys.insert(
      keys.end(),
      {text("CTYPE3", "TIME", "middle of the frame"), text("CUNIT3", "s", ""), number("CRPIX3", 1, ""),
       number("CRVAL3", step / 2, "[s] after MJDREF"), number("CDELT3", step, "[s]"),
       text("TIMESYS", "UTC", "time scale"), text("DATEREF", "2023-02-25", "the same as MJDREF"),
       number("MJDREF", kMjdStart, "[d] origin of the time axis"), number("XPOSURE", step, "[s] of a frame"),
       text("OBJECT", "SIMULATED CUBE", "no real sky"), text("TELESCOP", "SIMULATED", ""),
       text("SIMSEED", std::to_string(observation.spec().seed), "seed of the random numbers")});
}

std::vector<FitsKey> imageKeys(const CubeObservation& observation) {
  const CubeSpec& spec = observation.spec();
  const double pixelDeg = spec.cellArcsec / 3600, centre = static_cast<double>(spec.sizePx) / 2 + 1;
  std::vector<FitsKey> keys{text("BUNIT", "Jy/beam", "brightness unit"),
                            text("CTYPE1", "RA---SIN", "right ascension, orthographic"),
                            number("CRPIX1", centre, "reference pixel"),
                            number("CRVAL1", kRaDeg, "[deg]"),
                            number("CDELT1", -pixelDeg, "[deg]"),
                            text("CUNIT1", "deg", ""),
                            text("CTYPE2", "DEC--SIN", "declination, orthographic"),
                            number("CRPIX2", centre, "reference pixel"),
                            number("CRVAL2", spec.declinationDeg, "[deg]"),
                            number("CDELT2", pixelDeg, "[deg]"),
                            text("CUNIT2", "deg", ""),
                            text("RADESYS", "ICRS", "celestial frame"),
                            number("RESTFRQ", spec.frequencyMHz * 1e6, "[Hz]")};
  addTimeAxis(keys, observation);
  return keys;
}

std::vector<FitsKey> truthKeys(const CubeObservation& observation) {
  std::vector<FitsKey> keys = imageKeys(observation);
  const double beamDeg = observation.spec().beamPx * observation.spec().cellArcsec / 3600;
  keys.push_back(number("BMAJ", beamDeg, "[deg] Gaussian the sky is convolved with, FWHM"));
  keys.push_back(number("BMIN", beamDeg, "[deg]"));
  keys.push_back(number("BPA", 0, "[deg]"));
  return keys;
}

std::vector<FitsKey> psfKeys(const CubeObservation& observation) {
  const CubeSpec& spec = observation.spec();
  const double pixelDeg = spec.cellArcsec / 3600, centre = static_cast<double>(spec.sizePx + 1);
  std::vector<FitsKey> keys{text("BUNIT", "", "response to a point source of 1"),
                            text("CTYPE1", "XOFFSET", "towards West"),
                            number("CRPIX1", centre, "peak"),
                            number("CRVAL1", 0, ""),
                            number("CDELT1", pixelDeg, "[deg]"),
                            text("CUNIT1", "deg", ""),
                            text("CTYPE2", "YOFFSET", "towards North"),
                            number("CRPIX2", centre, "peak"),
                            number("CRVAL2", 0, ""),
                            number("CDELT2", pixelDeg, "[deg]"),
                            text("CUNIT2", "deg", "")};
  addTimeAxis(keys, observation);
  return keys;
}

/// Frames [first, first+count), each by a thread of its own.
std::vector<CubeFrame> framesOf(const CubeObservation& observation, int first, int count) {
  std::vector<CubeFrame> frames(static_cast<size_t>(count));
  inThreads(count, count, [&](int i) { frames[static_cast<size_t>(i)] = observation.frame(first + i); });
  return frames;
}

void addSkyPositions(std::vector<CubeSource>& sources, const std::string& path) {
  const FitsImage image = FitsImage::open(path);
  std::vector<std::string> warnings;
  const std::optional<Wcs> wcs = Wcs::fromCards(image.info().cards, image.info().axes, warnings);
  if (!wcs || !warnings.empty())
    throw OtfError(Code::kInternal, "the simulated cube has no sound celestial WCS");
  for (CubeSource& source : sources) {
    const std::optional<SkyPosition> sky = wcs->pixelToSky(source.placed.x, source.placed.y);
    if (!sky) throw OtfError(Code::kInvalidArgument, "a simulated source lies outside the sky");
    source.raDeg = sky->raDeg;
    source.decDeg = sky->decDeg;
  }
}

}  // namespace

CubeTruth simulateCube(const CubeSpec& spec, const std::string& folder, int threads) {
  const CubeObservation observation(spec);
  const std::filesystem::path where(folder);
  const int64_t size = spec.sizePx, frames = spec.frames;
  FitsImageWriter dirty((where / "dirty.fits").string(), size, size, imageKeys(observation), {frames});
  FitsImageWriter psf((where / "psf.fits").string(), 2 * size, 2 * size, psfKeys(observation), {frames});
  FitsImageWriter truth((where / "truth.fits").string(), size, size, truthKeys(observation), {frames});
  const int available = threads > 0 ? threads : static_cast<int>(std::thread::hardware_concurrency());
  const int crew = std::clamp(available, 1, kMostThreads);
  CubeTruth out;
  out.sources = observation.sources();
  out.mjdStart = kMjdStart;
  for (int first = 0; first < spec.frames; first += crew) {
    const int count = std::min(crew, spec.frames - first);
    const std::vector<CubeFrame> made = framesOf(observation, first, count);
    for (int i = 0; i < count; ++i) {
      const CubeFrame& frame = made[static_cast<size_t>(i)];
      dirty.writeRows(frame.dirty.data(), size);
      psf.writeRows(frame.psf.data(), 2 * size);
      truth.writeRows(frame.truth.data(), size);
      out.sigmaJyBeam.push_back(observation.sigma(first + i));
      out.timesS.push_back((first + i + 0.5) * observation.frameSeconds());
    }
  }
  dirty.finish();
  psf.finish();
  truth.finish();
  addSkyPositions(out.sources, (where / "dirty.fits").string());
  return out;
}

}  // namespace otf
