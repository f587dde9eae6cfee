// Any cards are coordinates, or none with a warning that says why, or a kWcsInvalid. Inputs are lines, which are made into
// cards here: a fuzzer that has to keep to 80 columns finds little else.
#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <vector>

#include "fuzz/support.h"
#include "sky/wcs.h"

namespace {

using namespace otf;
using fuzz::require;

constexpr size_t kCard = 80;
constexpr size_t kMaxCards = 200;

std::string cardsOf(const std::string& text) {
  std::string cards;
  for (size_t at = 0; at < text.size() && cards.size() < kMaxCards * kCard;) {
    const size_t end = std::min(text.find('\n', at), text.size());
    std::string card = text.substr(at, std::min(end - at, kCard));
    // Scanning a header refuses other characters before anybody looks at coordinates.
    for (char& c : card)
      if (c < ' ' || c > '~') c = ' ';
    cards += card + std::string(kCard - card.size(), ' ');
    at = end + 1;
  }
  return cards + "END" + std::string(kCard - 3, ' ');
}

void checkPosition(const Wcs& wcs, double x, double y) {
  if (const auto sky = wcs.pixelToSky(x, y)) {
    require(sky->raDeg >= 0 && sky->raDeg < 360, "right ascension is in [0, 360)");
    require(std::abs(sky->decDeg) <= 90, "declination is in [-90, 90]");
    if (const auto back = wcs.skyToPixel(*sky))
      require(std::isfinite(back->first) && std::isfinite(back->second), "a pixel is a pair of numbers");
  }
  if (const auto change = wcs.jacobian(x, y))
    require(std::isfinite(change->pixelScaleDeg()), "the scale of a pixel is a number");
  if (const auto angle = wcs.positionAngle(x, y, 30))
    require(*angle >= 0 && *angle < 180, "a position angle is in [0, 180)");
}

const char* const kGood =
    "CTYPE1  = 'RA---SIN'\nCTYPE2  = 'DEC--SIN'\nCRPIX1  = 50.0\nCRPIX2  = 50.0\nCRVAL1  = 150.0\nCRVAL2  = "
    "2.0\n"
    "CDELT1  = -0.001\nCDELT2  = 0.001\nCUNIT1  = 'deg'\nCUNIT2  = 'deg'\nRADESYS = 'ICRS'\n";
const char* const kMore[] = {
    "PV2_1   = 0.01\nPV2_2   = -0.02\nLONPOLE = 170.0\nLATPOLE = 3.0\n",
    "PC1_1   = 0.9\nPC1_2   = -0.1\nPC2_1   = 0.1\nPC2_2   = 0.9\nEQUINOX = 1950.0\nRADESYS = 'FK4'\n",
    "CD1_1   = -0.001\nCD1_2   = 0.0001\nCD2_1   = 0.0001\nCD2_2   = 0.001\n",
    "CTYPE1  = 'GLON-TAN'\nCTYPE2  = 'GLAT-TAN'\nCROTA2  = 12.5\n",
    "CTYPE1  = 'RA---TAN-SIP'\nCTYPE2  = 'DEC--TAN-SIP'\nA_ORDER = 2\nA_2_0   = 1E-6\n",
    "WCSAXES = 4\nCTYPE3  = 'FREQ'\nCRVAL3  = 1.4E9\nCTYPE4  = 'STOKES'\n",
    "CTYPE1  = 'RA---NCP'\nCTYPE2  = 'DEC--NCP'\nCTYPE1A = 'LINEAR'\nPV1_0   = 1\n",
    "CTYPE1  = 'RA---ZPN'\nCTYPE2  = 'DEC--ZPN'\nPV2_1   = 1.0\nPV2_3   = -50.0\n",
};

}  // namespace

/// wcslib 7.12 and 8 lose a few bytes of their own for each header they refuse. Where nothing can name the functions of a
/// stripped library (Debian 13 without llvm-symbolizer), it is the library's name that says so.
// NOLINTBEGIN(bugprone-reserved-identifier): the name is the sanitizer's
extern "C" __attribute__((visibility("default"))) const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() {
  return "leak:linset\nleak:wcserr_set\nleak:libwcs.so.8\n";
}
// NOLINTEND(bugprone-reserved-identifier)

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  fuzz::writeSeed("good", std::string(kGood));
  int number = 0;
  for (const char* more : kMore)
    fuzz::writeSeed("good-" + std::to_string(number++), std::string(kGood) + more);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string cards = cardsOf({reinterpret_cast<const char*>(data), size});
  for (const auto& axes : {std::array{1, 2}, std::array{2, 1}, std::array{1, 3}}) {
    try {
      std::vector<std::string> warnings;
      const int chosen[2] = {axes[0], axes[1]};
      const std::optional<Wcs> wcs = Wcs::fromCards(cards, chosen, warnings);
      for (const std::string& warning : warnings)
        require(warning.find('\n') == std::string::npos, "a warning is one line");
      if (!wcs) continue;
      require(!wcs->frame().system.empty(), "a frame has a name");
      for (const double at : {0.0, 17.5, 49.0, -3.0, 1e6, 1e18}) checkPosition(*wcs, at, at / 2);
    } catch (const OtfError& error) {
      require(error.code() == Code::kWcsInvalid, "the error of coordinates is kWcsInvalid");
      fuzz::requireOneLine(error);
    }
  }
  return 0;
}
