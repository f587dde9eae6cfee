// What the header of an image says, and where its pixels are on the sky. Synchronous, for workers.
#include <algorithm>
#include <cmath>
#include <numbers>
#include <optional>

#include "addon/api.h"
#include "addon/detect_request.h"
#include "addon/object.h"
#include "detect/region.h"
#include "error/error.h"
#include "fits/header_values.h"
#include "preview/render.h"
#include "sky/grid.h"
#include "sky/wcs.h"

namespace otf::addon {
namespace {

constexpr size_t kMostImages = 100;
constexpr int kMostAxes = 20;

Napi::Object position(Napi::Env env, SkyPosition at) {
  Napi::Object out = Napi::Object::New(env);
  out.Set("raDeg", at.raDeg);
  out.Set("decDeg", at.decDeg);
  return out;
}

/// Both ways of giving one position.
void setPosition(Napi::Env env, Napi::Object& out, const Wcs& wcs, double x, double y) {
  const std::optional<SkyPosition> native = wcs.pixelToSky(x, y);
  if (!native) return;
  out.Set("native", position(env, *native));
  out.Set("sky", position(env, sky::toIcrs(wcs, *native)));
}

Napi::Array axesOf(Napi::Env env, const std::string& cards) {
  Napi::Array out = Napi::Array::New(env);
  const int count = static_cast<int>(fits::findValue(cards, "NAXIS").number);
  for (int axis = 1; axis <= std::min(count, kMostAxes); ++axis) {
    const std::string number = std::to_string(axis);
    Napi::Object each = Napi::Object::New(env);
    each.Set("name", fits::findValue(cards, "CTYPE" + number).text);
    each.Set("length", fits::findValue(cards, "NAXIS" + number).number);
    out.Set(static_cast<uint32_t>(axis - 1), each);
  }
  return out;
}

Napi::Object wcsOf(Napi::Env env, const Wcs& wcs, const FitsInfo& info) {
  Napi::Object out = Napi::Object::New(env);
  const SkyFrame& frame = wcs.frame();
  out.Set("projection", wcs.projection());
  out.Set("system", frame.system);
  out.Set("equinox", frame.equinox);
  out.Set("native", frame.native);
  const double x = (static_cast<double>(info.width) - 1) / 2, y = (static_cast<double>(info.height) - 1) / 2;
  const std::optional<SkyPosition> centre = wcs.pixelToSky(x, y);
  if (centre) out.Set("centre", position(env, sky::toIcrs(wcs, *centre)));
  const std::optional<SkyJacobian> local = wcs.jacobian(x, y);
  if (!local || !(local->pixelScaleDeg() > 0)) return out;
  out.Set("pixelScaleDeg", local->pixelScaleDeg());
  // The inverse of the local map: where on the image one degree to the north and to the east leads.
  const double sign = local->eastPerX * local->northPerY - local->eastPerY * local->northPerX < 0 ? -1 : 1;
  const auto angle = [](double dy, double dx) { return std::atan2(dy, dx) * 180 / std::numbers::pi; };
  out.Set("northDeg", angle(sign * local->eastPerX, -sign * local->eastPerY));
  out.Set("eastDeg", angle(-sign * local->northPerX, sign * local->northPerY));
  return out;
}

Napi::Object gridOf(Napi::Env env, const sky::SkyGrid& grid) {
  Napi::Object out = Napi::Object::New(env);
  out.Set("x0", grid.x0);
  out.Set("y0", grid.y0);
  out.Set("stepX", grid.stepX);
  out.Set("stepY", grid.stepY);
  out.Set("columns", grid.columns);
  out.Set("rows", grid.rows);
  out.Set("vectors", doubles(env, grid.vectors));
  out.Set("maxErrorPx", grid.maxErrorPx);
  return out;
}

struct Opened {
  FitsImage image;
  std::optional<Wcs> wcs;
  std::vector<std::string> warnings;
};

Opened open(const ImageChoice& choice) {
  Opened opened{FitsImage::open(choice.path, choice.select), std::nullopt, {}};
  const FitsInfo& info = opened.image.info();
  opened.warnings = info.warnings;
  opened.wcs = Wcs::fromCards(info.cards, info.axes, opened.warnings);
  return opened;
}

}  // namespace

Napi::Value describeImage(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const ImageChoice choice = readImageChoice(Fields(info[0], "request").object("image"));
  Opened opened = open(choice);
  const FitsInfo& header = opened.image.info();
  Napi::Array images = Napi::Array::New(env);
  for (const ImageHdu& each : listImages(choice.path, choice.select.label, kMostImages, opened.warnings)) {
    Napi::Object image = Napi::Object::New(env);
    image.Set("hdu", each.hdu);
    image.Set("extname", each.extname);
    image.Set("width", static_cast<double>(each.width));
    image.Set("height", static_cast<double>(each.height));
    image.Set("planes", static_cast<double>(each.planes));
    image.Set("compressed", each.compressed);
    images.Set(images.Length(), image);
  }
  Napi::Object out = Napi::Object::New(env);
  out.Set("hdu", header.hdu);
  out.Set("extname", header.extname);
  out.Set("width", static_cast<double>(header.width));
  out.Set("height", static_cast<double>(header.height));
  out.Set("planes", static_cast<double>(header.planes));
  out.Set("bitpix", header.bitpix);
  out.Set("compressed", header.compressed);
  out.Set("axes", axesOf(env, header.cards));
  out.Set("unit", header.bunit);
  if (header.beam) out.Set("beam", beamObject(env, *header.beam));
  if (opened.wcs) {
    out.Set("wcs", wcsOf(env, *opened.wcs, header));
    out.Set("grid", gridOf(env, sky::skyGrid(*opened.wcs, header.width, header.height)));
  }
  out.Set("images", images);
  out.Set("warnings", strings(env, opened.warnings));
  out.Set("tilePx", preview::kTilePx);
  out.Set("maxLevel", preview::maxLevelOf(header.width, header.height));
  return out;
}

Napi::Value pixelAt(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Fields fields(info[0], "request");
  Opened opened = open(readImageChoice(fields.object("image")));
  const FitsInfo& header = opened.image.info();
  Napi::Object out = Napi::Object::New(env);
  double x = 0, y = 0;
  if (fields.has("sky")) {
    const std::vector<double> at = fields.numbers("sky");
    if (at.size() != 2) throw OtfError(Code::kInvalidArgument, "a position has two numbers");
    if (!opened.wcs)
      throw OtfError(Code::kRoiOutside, header.label + " has no celestial WCS: it has pixel positions only");
    const auto pixel = opened.wcs->skyToPixel(sky::fromIcrs(*opened.wcs, {at[0], at[1]}));
    if (!pixel)
      throw OtfError(Code::kRoiOutside, "the position is outside the projection of " + header.label);
    x = pixel->first;
    y = pixel->second;
  } else {
    x = fields.number("x");
    y = fields.number("y");
  }
  out.Set("x", x);
  out.Set("y", y);
  out.Set("unit", header.bunit);
  const double column = std::floor(x + 0.5), row = std::floor(y + 0.5);
  if (column >= 0 && row >= 0 && column < static_cast<double>(header.width) &&
      row < static_cast<double>(header.height)) {
    float value = NAN;
    opened.image.readWindow(static_cast<int64_t>(column), static_cast<int64_t>(row), 1, 1, &value, 1);
    if (std::isfinite(value)) out.Set("value", static_cast<double>(value));
  }
  if (opened.wcs) setPosition(env, out, *opened.wcs, x, y);
  return out;
}

Napi::Value skyToPixels(const Napi::CallbackInfo& info) {
  const Fields fields(info[0], "request");
  const Opened opened = open(readImageChoice(fields.object("image")));
  const std::vector<double> ra = fields.numbers("raDeg"), dec = fields.numbers("decDeg");
  if (ra.size() != dec.size()) throw OtfError(Code::kInvalidArgument, "raDeg and decDeg differ in length");
  if (!opened.wcs) {
    throw OtfError(Code::kRoiOutside, opened.image.info().label +
                                          " has no celestial WCS: positions on the sky cannot be placed");
  }
  std::vector<double> x, y;
  for (size_t i = 0; i < ra.size(); ++i) {
    const SkyPosition given{ra[i], dec[i]};
    const auto pixel =
        opened.wcs->skyToPixel(fields.flag("icrs") ? sky::fromIcrs(*opened.wcs, given) : given);
    x.push_back(pixel ? pixel->first : NAN);
    y.push_back(pixel ? pixel->second : NAN);
  }
  Napi::Object out = Napi::Object::New(info.Env());
  out.Set("x", doubles(info.Env(), x));
  out.Set("y", doubles(info.Env(), y));
  return out;
}

/// The pixels a job with this region would search, and the middle of them on the sky.
Napi::Value placeRegion(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Fields fields(info[0], "request");
  const Opened opened = open(readImageChoice(fields.object("image")));
  const Wcs* wcs = opened.wcs ? &*opened.wcs : nullptr;
  const Region region = resolveRegion(readRegion(fields), opened.image.info(), wcs);
  Napi::Object out = Napi::Object::New(env);
  out.Set("x", static_cast<double>(region.x));
  out.Set("y", static_cast<double>(region.y));
  out.Set("width", static_cast<double>(region.width));
  out.Set("height", static_cast<double>(region.height));
  if (!wcs) return out;
  const double x = static_cast<double>(region.x) + (static_cast<double>(region.width) - 1) / 2;
  const double y = static_cast<double>(region.y) + (static_cast<double>(region.height) - 1) / 2;
  setPosition(env, out, *wcs, x, y);
  return out;
}

}  // namespace otf::addon
