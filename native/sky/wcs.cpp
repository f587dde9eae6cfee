#include "sky/wcs.h"

#include <wcslib/wcsmath.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <mutex>

#include "error/error.h"
#include "fits/image_axes.h"
#include "sky/frame.h"
#include "sky/wcs_cards.h"
#include "sky/wcs_prm.h"

namespace otf {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr size_t kBatch = 4096;

}  // namespace

struct Wcs::Impl {
  // Never used for computing: each call takes a copy of its own, since wcslib keeps scratch and error text inside.
  sky::Prm original;
  SkyFrame frame;
  bool galactic = false;

  /// What one call works with; kept for the next one.
  struct Scratch {
    std::unique_ptr<sky::Prm> prm;
    std::vector<double> pixel, intermediate, world, phi, theta;
    std::vector<int> status;
  };
  mutable std::mutex mutex;
  mutable std::vector<std::unique_ptr<Scratch>> idle;

  std::unique_ptr<Scratch> take() const {
    {
      const std::lock_guard lock(mutex);
      if (!idle.empty()) {
        std::unique_ptr<Scratch> scratch = std::move(idle.back());
        idle.pop_back();
        return scratch;
      }
    }
    auto scratch = std::make_unique<Scratch>();
    scratch->prm = sky::copyOf(original);
    return scratch;
  }
  void giveBack(std::unique_ptr<Scratch> scratch) const {
    const std::lock_guard lock(mutex);
    idle.push_back(std::move(scratch));
  }

  SkyPosition toFrame(double lonDeg, double latDeg) const {
    if (galactic) return sky::galacticToIcrs(lonDeg, latDeg);
    double ra = std::fmod(lonDeg, 360.0);
    if (ra < 0) ra += 360;
    return {ra >= 360 ? 0 : ra, latDeg};
  }

  void convert(Scratch& scratch, std::span<const double> x, std::span<const double> y, std::span<double> ra,
               std::span<double> dec, std::span<uint8_t> ok) const;
};

/// One wcsp2s call for the lot.
void Wcs::Impl::convert(Scratch& scratch, std::span<const double> x, std::span<const double> y,
                        std::span<double> ra, std::span<double> dec, std::span<uint8_t> ok) const {
  const size_t count = x.size();
  auto& [own, pixel, intermediate, world, phi, theta, status] = scratch;
  for (std::vector<double>* pairs : {&pixel, &intermediate, &world}) pairs->resize(2 * count);
  phi.resize(count);
  theta.resize(count);
  status.assign(count, 0);
  wcsprm* prm = own->get();
  for (size_t i = 0; i < count; ++i) {
    // FITS counts pixels from 1. wcslib must not see infinities; they have no sky anyway.
    const bool finite = std::isfinite(x[i]) && std::isfinite(y[i]);
    pixel[2 * i] = finite ? x[i] + 1 : 0;
    pixel[2 * i + 1] = finite ? y[i] + 1 : 0;
    ok[i] = finite ? 1 : 0;
  }
  const int result = wcsp2s(prm, static_cast<int>(count), 2, pixel.data(), intermediate.data(), phi.data(),
                            theta.data(), world.data(), status.data());
  // 8: some pixels have no sky; status[] says which.
  if (result != 0 && result != WCSERR_BAD_PIX) sky::checkWcslib(result, prm, "pixel to sky");
  for (size_t i = 0; i < count; ++i) {
    const double lon = world[2 * i + static_cast<size_t>(prm->lng)];
    const double lat = world[2 * i + static_cast<size_t>(prm->lat)];
    const bool good = ok[i] != 0 && status[i] == 0 && std::isfinite(lon) && std::isfinite(lat);
    const SkyPosition position = good ? toFrame(lon, lat) : SkyPosition{kNan, kNan};
    ok[i] = good ? 1 : 0;
    ra[i] = position.raDeg;
    dec[i] = position.decDeg;
  }
}

std::optional<Wcs> Wcs::fromCards(const std::string& cards, const int axes[2],
                                  std::vector<std::string>& warnings) {
  const auto celestial = [&](int axis) {
    const std::string type = sky::axisType(cards, axis, warnings);
    return fits::isLongitude(type) || fits::isLatitude(type);
  };
  // One celestial axis alone tells no position.
  if (!celestial(axes[0]) || !celestial(axes[1])) return std::nullopt;
  try {
    const std::string usable = sky::usableCards(cards, axes, warnings);
    auto impl = std::make_unique<Impl>();
    sky::parseWcs(usable, axes, impl->original.get());
    const wcsprm* prm = impl->original.get();
    const std::optional<double> equinox =
        prm->equinox == UNDEFINED ? std::nullopt : std::optional(prm->equinox);
    impl->frame = sky::frameOf(prm->lngtyp, prm->radesys, equinox, warnings);
    impl->galactic = impl->frame.native == "GLON/GLAT";
    return Wcs(std::move(impl));
  } catch (const OtfError& error) {
    if (error.code() != Code::kWcsInvalid) throw;
    warnings.push_back(std::string("its celestial WCS cannot be used: ") + error.what());
    return std::nullopt;
  }
}

Wcs::Wcs(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Wcs::Wcs(Wcs&&) noexcept = default;
Wcs& Wcs::operator=(Wcs&&) noexcept = default;
Wcs::~Wcs() = default;

const SkyFrame& Wcs::frame() const { return impl_->frame; }

std::string Wcs::projection() const { return impl_->original.get()->cel.prj.code; }

void Wcs::pixelToSky(std::span<const double> x, std::span<const double> y, std::span<double> ra,
                     std::span<double> dec, std::span<uint8_t> ok) const {
  const size_t count = x.size();
  if (y.size() != count || ra.size() != count || dec.size() != count || ok.size() != count) {
    throw OtfError(Code::kInvalidArgument, "pixelToSky: arrays of different lengths");
  }
  std::unique_ptr<Impl::Scratch> scratch = impl_->take();
  // In batches: the scratch stays in cache, and the count fits wcslib's int.
  for (size_t first = 0; first < count; first += kBatch) {
    const size_t part = std::min(kBatch, count - first);
    impl_->convert(*scratch, x.subspan(first, part), y.subspan(first, part), ra.subspan(first, part),
                   dec.subspan(first, part), ok.subspan(first, part));
  }
  impl_->giveBack(std::move(scratch));
}

std::optional<SkyPosition> Wcs::pixelToSky(double x, double y) const {
  SkyPosition position;
  uint8_t ok = 0;
  pixelToSky(std::span(&x, 1), std::span(&y, 1), std::span(&position.raDeg, 1),
             std::span(&position.decDeg, 1), std::span(&ok, 1));
  if (ok == 0) return std::nullopt;
  return position;
}

std::optional<std::pair<double, double>> Wcs::skyToPixel(SkyPosition position) const {
  if (!std::isfinite(position.raDeg) || !std::isfinite(position.decDeg) || std::abs(position.decDeg) > 90) {
    return std::nullopt;
  }
  if (impl_->galactic) position = sky::icrsToGalactic(position);
  std::unique_ptr<Impl::Scratch> scratch = impl_->take();
  wcsprm* prm = scratch->prm->get();
  std::array<double, 2> world{}, intermediate{}, pixel{};
  world[static_cast<size_t>(prm->lng)] = position.raDeg;
  world[static_cast<size_t>(prm->lat)] = position.decDeg;
  double phi = 0, theta = 0;
  int status = 0;
  const int result =
      wcss2p(prm, 1, 2, world.data(), &phi, &theta, intermediate.data(), pixel.data(), &status);
  impl_->giveBack(std::move(scratch));
  if (result != 0 || status != 0 || !std::isfinite(pixel[0]) || !std::isfinite(pixel[1])) return std::nullopt;
  return std::pair(pixel[0] - 1, pixel[1] - 1);
}

std::string wcslibVersion() {
  std::array<int, 3> parts{};
  return wcslib_version(parts.data());
}

}  // namespace otf
