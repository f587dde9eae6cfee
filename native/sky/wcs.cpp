#include "sky/wcs.h"

#include <wcslib/wcs.h>
#include <wcslib/wcsfix.h>
#include <wcslib/wcshdr.h>
#include <wcslib/wcsmath.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <mutex>
#include <numbers>
#include <string_view>

#include "error/error.h"
#include "fits/image_axes.h"
#include "sky/frame.h"
#include "sky/wcs_cards.h"

namespace otf {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kDegree = std::numbers::pi / 180;
constexpr size_t kBatch = 4096;

// wcslib's parsers and its set-up are not documented as thread-safe; both are rare and short.
std::mutex& setupMutex() {
  static std::mutex mutex;
  return mutex;
}

/// Owns one wcsprm.
class Prm {
 public:
  Prm() {
    prm_.flag = -1;
    const int status = wcsini(1, 2, &prm_);
    if (status != 0) throw OtfError(Code::kOutOfMemory, "not enough memory for the sky coordinates");
  }
  Prm(const Prm&) = delete;
  Prm& operator=(const Prm&) = delete;
  ~Prm() { wcsfree(&prm_); }
  wcsprm* get() { return &prm_; }
  const wcsprm* get() const { return &prm_; }

 private:
  wcsprm prm_{};
};

/// Owns the array wcspih returns.
struct PrmArray {
  int count = 0;
  wcsprm* prms = nullptr;
  PrmArray() = default;
  PrmArray(const PrmArray&) = delete;
  PrmArray& operator=(const PrmArray&) = delete;
  ~PrmArray() { wcsvfree(&count, &prms); }
};

/// wcslib's own words: the detailed message where there is one, else the text of the status.
void check(int status, const wcsprm* prm, const std::string& what) {
  if (status == 0) return;
  if (status == WCSERR_MEMORY)
    throw OtfError(Code::kOutOfMemory, "not enough memory for the sky coordinates");
  std::string text;
  const wcserr* error = prm == nullptr ? nullptr : prm->err;
  if (error != nullptr && error->msg != nullptr) {
    text = error->msg;
  } else {
    text = status > 0 && status <= 14 ? wcs_errmsg[status] : "status " + std::to_string(status);
  }
  for (char& c : text) {
    if (c == '\n') c = ' ';
  }
  while (text.ends_with('.') || text.ends_with(' ')) text.pop_back();
  throw OtfError(Code::kWcsInvalid, what + ": " + text + " (wcslib)");
}

/// wcslib 7.12 inverts some singular matrices without noticing, e.g. one with an empty column.
void requireRegular(const linprm& lin) {
  const double a = lin.pc[0] * lin.cdelt[0], b = lin.pc[1] * lin.cdelt[0];
  const double c = lin.pc[2] * lin.cdelt[1], d = lin.pc[3] * lin.cdelt[1];
  const double size = std::abs(a * d) + std::abs(b * c), determinant = std::abs(a * d - b * c);
  if (!(determinant > 1e-12 * size) || !std::isfinite(size)) {
    throw OtfError(Code::kWcsInvalid, "the pixel matrix of the WCS (CD, or PC and CDELT) is singular");
  }
}

void parse(const std::string& cards, const int axes[2], wcsprm* target) {
  std::string header = cards;  // wcspih wants it writable
  PrmArray found;
  int rejected = 0;
  const int status = wcspih(header.data(), static_cast<int>(header.size() / 80), WCSHDR_all, 0, &rejected,
                            &found.count, &found.prms);
  if (status != 0) check(status, nullptr, "cannot read the WCS keywords");
  const wcsprm* primary = nullptr;
  for (int i = 0; i < found.count; ++i) {
    if (found.prms[i].alt[0] == ' ') primary = &found.prms[i];
  }
  if (primary == nullptr || axes[0] > primary->naxis || axes[1] > primary->naxis) {
    throw OtfError(Code::kWcsInvalid, "the WCS does not describe axes " + std::to_string(axes[0]) + " and " +
                                          std::to_string(axes[1]));
  }
  std::array<int, 2> wanted = {axes[0], axes[1]};
  int count = 2;
  check(wcssub(1, primary, &count, wanted.data(), target), target,
        "the WCS of axes " + std::to_string(axes[0]) + " and " + std::to_string(axes[1]));
  // Old units, dates and projections; what it cannot mend shows in wcsset.
  std::array<int, NWCSFIX> outcome{};
  wcsfix(0, nullptr, target, outcome.data());
  check(wcsset(target), target, "the celestial WCS is not usable");
  // Paper II leaves celestial axes without a projection code undefined; wcslib takes them as a plain grid.
  if (target->lng < 0 || target->lat < 0 ||
      std::string_view(target->cel.prj.code).find_first_not_of(' ') == std::string_view::npos) {
    throw OtfError(Code::kWcsInvalid, "CTYPE" + std::to_string(axes[0]) + " and CTYPE" +
                                          std::to_string(axes[1]) + " name no celestial projection");
  }
  requireRegular(target->lin);
}

/// wcslib's detailed messages are a switch for the whole process, and 7.12 leaks one for every pixel without
/// sky while they are on: so they are on only while a header that failed is read again.
struct DetailedMessages {
  DetailedMessages() { wcserr_enable(1); }
  DetailedMessages(const DetailedMessages&) = delete;
  DetailedMessages& operator=(const DetailedMessages&) = delete;
  ~DetailedMessages() { wcserr_enable(0); }
};

void parseInWords(const std::string& cards, const int axes[2], wcsprm* target) {
  const std::lock_guard lock(setupMutex());
  try {
    parse(cards, axes, target);
  } catch (const OtfError& error) {
    if (error.code() != Code::kWcsInvalid) throw;
    const DetailedMessages on;
    Prm again;
    parse(cards, axes, again.get());
    throw;
  }
}

}  // namespace

struct Wcs::Impl {
  // Never used for computing: each call takes a copy of its own, since wcslib keeps scratch and error text inside.
  Prm original;
  SkyFrame frame;
  bool galactic = false;
  mutable std::mutex mutex;
  mutable std::vector<std::unique_ptr<Prm>> idle;

  std::unique_ptr<Prm> take() const {
    {
      const std::lock_guard lock(mutex);
      if (!idle.empty()) {
        std::unique_ptr<Prm> prm = std::move(idle.back());
        idle.pop_back();
        return prm;
      }
    }
    const std::lock_guard lock(setupMutex());
    auto prm = std::make_unique<Prm>();
    check(wcssub(1, original.get(), nullptr, nullptr, prm->get()), prm->get(), "cannot copy the WCS");
    check(wcsset(prm->get()), prm->get(), "cannot copy the WCS");
    return prm;
  }
  void giveBack(std::unique_ptr<Prm> prm) const {
    const std::lock_guard lock(mutex);
    idle.push_back(std::move(prm));
  }

  SkyPosition toFrame(double lonDeg, double latDeg) const {
    if (galactic) return sky::galacticToIcrs(lonDeg, latDeg);
    double ra = std::fmod(lonDeg, 360.0);
    if (ra < 0) ra += 360;
    return {ra >= 360 ? 0 : ra, latDeg};
  }

  void convert(wcsprm* prm, std::span<const double> x, std::span<const double> y, std::span<double> ra,
               std::span<double> dec, std::span<uint8_t> ok) const;
};

/// One wcsp2s call for the lot.
void Wcs::Impl::convert(wcsprm* prm, std::span<const double> x, std::span<const double> y,
                        std::span<double> ra, std::span<double> dec, std::span<uint8_t> ok) const {
  const size_t count = x.size();
  std::vector<double> pixel(2 * count), intermediate(2 * count), world(2 * count), phi(count), theta(count);
  std::vector<int> status(count);
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
  if (result != 0 && result != WCSERR_BAD_PIX) check(result, prm, "pixel to sky");
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
    parseInWords(usable, axes, impl->original.get());
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
  std::unique_ptr<Prm> prm = impl_->take();
  // In batches: the scratch stays in cache, and the count fits wcslib's int.
  for (size_t first = 0; first < count; first += kBatch) {
    const size_t part = std::min(kBatch, count - first);
    impl_->convert(prm->get(), x.subspan(first, part), y.subspan(first, part), ra.subspan(first, part),
                   dec.subspan(first, part), ok.subspan(first, part));
  }
  impl_->giveBack(std::move(prm));
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
  std::unique_ptr<Prm> prm = impl_->take();
  std::array<double, 2> world{}, intermediate{}, pixel{};
  world[static_cast<size_t>(prm->get()->lng)] = position.raDeg;
  world[static_cast<size_t>(prm->get()->lat)] = position.decDeg;
  double phi = 0, theta = 0;
  int status = 0;
  const int result =
      wcss2p(prm->get(), 1, 2, world.data(), &phi, &theta, intermediate.data(), pixel.data(), &status);
  impl_->giveBack(std::move(prm));
  if (result != 0 || status != 0 || !std::isfinite(pixel[0]) || !std::isfinite(pixel[1])) return std::nullopt;
  return std::pair(pixel[0] - 1, pixel[1] - 1);
}

double SkyJacobian::pixelScaleDeg() const {
  return std::sqrt(std::abs(eastPerX * northPerY - eastPerY * northPerX));
}

std::optional<SkyJacobian> Wcs::jacobian(double x, double y) const {
  const std::array<double, 5> px = {x, x + 0.5, x - 0.5, x, x}, py = {y, y, y, y + 0.5, y - 0.5};
  std::array<double, 5> ra{}, dec{};
  std::array<uint8_t, 5> ok{};
  pixelToSky(px, py, ra, dec, ok);
  for (const uint8_t good : ok) {
    if (good == 0) return std::nullopt;
  }
  // Differences of unit vectors along East and North: no trouble at RA 0, nor near a pole as RA differences have.
  const double lon = ra[0] * kDegree, lat = dec[0] * kDegree;
  const sky::Vector3 east = {-std::sin(lon), std::cos(lon), 0};
  const sky::Vector3 north = {-std::sin(lat) * std::cos(lon), -std::sin(lat) * std::sin(lon), std::cos(lat)};
  const auto along = [&](size_t plus, size_t minus, const sky::Vector3& direction) {
    const sky::Vector3 a = sky::unitVector(ra[plus], dec[plus]), b = sky::unitVector(ra[minus], dec[minus]);
    double sum = 0;
    for (size_t i = 0; i < 3; ++i) sum += (a[i] - b[i]) * direction[i];
    return sum / kDegree;
  };
  return SkyJacobian{along(1, 2, east), along(3, 4, east), along(1, 2, north), along(3, 4, north)};
}

std::optional<double> Wcs::positionAngle(double x, double y, double pixelAngleDeg) const {
  const std::optional<SkyJacobian> local = jacobian(x, y);
  if (!local || !std::isfinite(pixelAngleDeg)) return std::nullopt;
  const double c = std::cos(pixelAngleDeg * kDegree), s = std::sin(pixelAngleDeg * kDegree);
  const double east = local->eastPerX * c + local->eastPerY * s,
               north = local->northPerX * c + local->northPerY * s;
  if (east == 0 && north == 0) return std::nullopt;
  double angle = std::atan2(east, north) / kDegree;
  if (angle < 0) angle += 180;
  return angle >= 180 ? angle - 180 : angle;
}

std::string wcslibVersion() {
  std::array<int, 3> parts{};
  return wcslib_version(parts.data());
}

}  // namespace otf
