#include "sky/wcs_prm.h"

#include <wcslib/wcsfix.h>
#include <wcslib/wcshdr.h>

#include <array>
#include <cmath>
#include <mutex>
#include <string_view>

namespace otf::sky {
namespace {

// wcslib's parsers and its set-up are not documented as thread-safe; both are rare and short.
std::mutex& setupMutex() {
  static std::mutex mutex;
  return mutex;
}

/// Owns the array wcspih returns.
struct PrmArray {
  int count = 0;
  wcsprm* prms = nullptr;
  PrmArray() = default;
  PrmArray(const PrmArray&) = delete;
  PrmArray& operator=(const PrmArray&) = delete;
  ~PrmArray() { wcsvfree(&count, &prms); }
};

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
  if (status != 0) checkWcslib(status, nullptr, "cannot read the WCS keywords");
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
  checkWcslib(wcssub(1, primary, &count, wanted.data(), target), target,
              "the WCS of axes " + std::to_string(axes[0]) + " and " + std::to_string(axes[1]));
  // Old units, dates and projections; what it cannot mend shows in wcsset.
  std::array<int, NWCSFIX> outcome{};
  wcsfix(0, nullptr, target, outcome.data());
  checkWcslib(wcsset(target), target, "the celestial WCS is not usable");
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

}  // namespace

Prm::Prm() {
  prm_.flag = -1;
  const int status = wcsini(1, 2, &prm_);
  if (status != 0) throw OtfError(Code::kOutOfMemory, "not enough memory for the sky coordinates");
}

void checkWcslib(int status, const wcsprm* prm, const std::string& what) {
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

void parseWcs(const std::string& cards, const int axes[2], wcsprm* target) {
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

std::unique_ptr<Prm> copyOf(const Prm& original) {
  const std::lock_guard lock(setupMutex());
  auto prm = std::make_unique<Prm>();
  checkWcslib(wcssub(1, original.get(), nullptr, nullptr, prm->get()), prm->get(), "cannot copy the WCS");
  checkWcslib(wcsset(prm->get()), prm->get(), "cannot copy the WCS");
  return prm;
}

}  // namespace otf::sky
