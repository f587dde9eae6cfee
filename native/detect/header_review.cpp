#include "detect/header_review.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <utility>

#include "error/error.h"
#include "fits/pixel_unit.h"

namespace otf {
namespace {

// Restoring beams are sampled by 3 to 10 pixels. Narrower than this is a slip of units, or of the pixel's size.
constexpr double kNarrowestPx = 0.5;

std::string shown(double number) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.4g", number);
  return text.data();
}

/// A beam as wide as the image cannot be the beam of that image.
void judgeBeam(HeaderReview& review) {
  FitsInfo& info = review.info;
  if (!info.beam || !review.wcs) return;
  const auto middle = [](int64_t length) { return 0.5 * static_cast<double>(length - 1); };
  const std::optional<SkyJacobian> local = review.wcs->jacobian(middle(info.width), middle(info.height));
  if (!local || !(local->pixelScaleDeg() > 0)) return;
  const double pixelDeg = local->pixelScaleDeg(), beamDeg = info.beam->bmajDeg;
  const double imageDeg = pixelDeg * static_cast<double>(std::max(info.width, info.height));
  const std::string beam = "a beam of BMAJ = " + shown(beamDeg) + " deg";
  if (beamDeg > imageDeg) {
    const double asArcsecPx = beamDeg / 3600 / pixelDeg;
    const bool arcsec = asArcsecPx > kNarrowestPx && asArcsecPx < 100;
    review.warnings.push_back(beam + " is wider than the image (" + shown(imageDeg) + " deg)" +
                              (arcsec ? "; arcseconds are meant, it seems" : "") + ": the beam is left out");
    info.beam.reset();
  } else if (beamDeg < kNarrowestPx * pixelDeg) {
    review.warnings.push_back(beam + " is narrower than half a pixel (" + shown(pixelDeg) + " deg)");
  }
}

void warnOfNote(HeaderReview& review, const fits::PixelUnit& unit, const char* more) {
  if (unit.note.empty()) return;
  review.warnings.push_back("BUNIT = '" + review.info.bunit + "' in capitals is taken as " + unit.note +
                            more);
}

void judgeUnit(HeaderReview& review, const std::string& modelUnit, const std::string& given) {
  const std::string& bunit = review.info.bunit;
  const auto stated = fits::parsePixelUnit(given);
  if (!given.empty() && !stated)
    throw OtfError(Code::kInvalidArgument, "pixel unit '" + given + "' is no unit such as mJy/beam");
  review.pixelUnit = given.empty() ? bunit : given;
  if (modelUnit.empty()) {
    review.warnings.emplace_back("the model card names no unit: the pixels are taken as they are");
    return;
  }
  const auto wanted = fits::parsePixelUnit(modelUnit);
  if (!wanted)
    throw OtfError(Code::kDetectorConfig, "model card: unit '" + modelUnit + "' is no unit such as Jy/beam");
  if (review.pixelUnit.empty()) {
    review.warnings.push_back("it has no BUNIT: its pixels are taken as " + modelUnit +
                              ", the network's unit");
    review.pixelUnit = modelUnit;
    return;
  }
  const auto unit = given.empty() ? fits::parsePixelUnit(bunit) : stated;
  const std::optional<double> factor = unit ? fits::factorBetween(*unit, *wanted) : std::nullopt;
  if (!factor) {
    throw OtfError(Code::kUnitMismatch,
                   review.info.label + ": its pixels are in " + review.pixelUnit +
                       (given.empty() ? " (BUNIT)" : "") + ", the network was trained in " + modelUnit +
                       "; if BUNIT is wrong, name the unit they are in (--pixel-unit, PIXEL_UNIT of a job)");
  }
  warnOfNote(review, *unit, "; --pixel-unit (PIXEL_UNIT of a job) says otherwise");
  review.unitFactor = *factor;
}

/// "JY/BEAM", "Jy beam-1" as Jy/beam.
void spellUnit(HeaderReview& review) {
  review.pixelUnit = review.info.bunit;
  const auto unit = fits::parsePixelUnit(review.info.bunit);
  if (!unit) return;
  for (const char* name : {"Jy/beam", "mJy/beam", "uJy/beam", "nJy/beam"}) {
    const auto factor = fits::factorBetween(*unit, *fits::parsePixelUnit(name));
    if (!factor || !(std::abs(*factor - 1) < 1e-9)) continue;
    review.pixelUnit = name;
    return warnOfNote(review, *unit, "");
  }
}

/// Where it is, and its beam.
HeaderReview placed(const FitsInfo& info) {
  HeaderReview review{info, std::nullopt, "", 1, info.warnings};
  const size_t before = review.warnings.size();
  review.wcs = Wcs::fromCards(info.cards, info.axes, review.warnings);
  if (!review.wcs) {
    const bool told = review.warnings.size() > before;
    review.warnings.push_back(told ? "the catalogue gives pixel positions only"
                                   : "no celestial WCS: the catalogue gives pixel positions only");
  }
  judgeBeam(review);
  return review;
}

HeaderReview named(HeaderReview review) {
  for (std::string& line : review.warnings) line = review.info.label + ": " + line;
  review.info.warnings.clear();
  return review;
}

}  // namespace

HeaderReview reviewHeader(const FitsInfo& info, const std::string& modelUnit, const std::string& pixelUnit) {
  HeaderReview review = placed(info);
  judgeUnit(review, modelUnit, pixelUnit);
  return named(std::move(review));
}

HeaderReview reviewHeader(const FitsInfo& info) {
  HeaderReview review = placed(info);
  spellUnit(review);
  return named(std::move(review));
}

}  // namespace otf
