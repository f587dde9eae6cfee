// Pictures of image planes (preview/). Synchronous, for workers.
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "addon/api.h"
#include "addon/object.h"
#include "error/error.h"
#include "preview/decoded.h"
#include "preview/marks.h"
#include "preview/overview.h"
#include "preview/png.h"
#include "preview/render.h"
#include "preview/zscale.h"

namespace otf::addon {
namespace {

using namespace preview;

CutsChoice readCuts(const Fields& fields) {
  using Kind = CutsChoice::Kind;
  const std::string kind = fields.text("kind");
  if (kind == "zscale") return {Kind::kZscale};
  if (kind == "minmax") return {Kind::kMinMax};
  if (kind != "percentile" && kind != "values")
    throw OtfError(Code::kInvalidArgument, "there are no cuts '" + kind + "'");
  return {kind == "values" ? Kind::kValues : Kind::kPercentile, fields.number("low"), fields.number("high")};
}

Look readLook(const Fields& fields) {
  const std::string stretch = fields.text("stretch"), colours = fields.text("colours");
  const std::optional<Stretch> known = stretchNamed(stretch);
  if (!known) throw OtfError(Code::kInvalidArgument, "there is no stretch '" + stretch + "'");
  const std::optional<ColourMap> map = colourMapNamed(colours);
  if (!map) throw OtfError(Code::kInvalidArgument, "there is no colour map '" + colours + "'");
  Look look{*known, readCuts(fields.object("cuts")), *map, {0, 0, 0, 0}};
  if (!fields.has("blank")) return look;
  const std::vector<double> rgb = fields.numbers("blank");
  if (rgb.size() != 3) throw OtfError(Code::kInvalidArgument, "a colour has three parts");
  look.blank = {static_cast<uint8_t>(rgb[0]), static_cast<uint8_t>(rgb[1]), static_cast<uint8_t>(rgb[2])};
  return look;
}

/// Five numbers a mark, one array each; `shape`: 0 = ellipse, 1 = box.
std::vector<Mark> readMarks(const Fields& fields) {
  const std::vector<double> x = fields.numbers("x"), y = fields.numbers("y"), a = fields.numbers("a"),
                            b = fields.numbers("b"), angle = fields.numbers("angleDeg"),
                            shape = fields.numbers("shape");
  for (const auto* values : {&y, &a, &b, &angle, &shape}) {
    if (values->size() != x.size())
      throw OtfError(Code::kInvalidArgument, "marks have arrays of different lengths");
  }
  std::vector<Mark> marks;
  for (size_t i = 0; i < x.size(); ++i) {
    const auto kind = shape[i] == 0 ? Mark::Shape::kEllipse : Mark::Shape::kBox;
    marks.push_back({kind, x[i], y[i], a[i], b[i], angle[i]});
  }
  return marks;
}

/// Opened when it is asked for.
class LazyImage {
 public:
  explicit LazyImage(ImageChoice choice) : choice_(std::move(choice)) {}
  FitsImage& operator()() {
    if (!image_) image_ = std::make_unique<FitsImage>(FitsImage::open(choice_.path, choice_.select));
    return *image_;
  }

 private:
  ImageChoice choice_;
  std::unique_ptr<FitsImage> image_;
};

Napi::Value bytesOf(Napi::Env env, const std::vector<std::byte>& png) {
  return Napi::Buffer<uint8_t>::Copy(env, reinterpret_cast<const uint8_t*>(png.data()), png.size());
}

Napi::Value pairOf(Napi::Env env, Cuts cuts) {
  const double both[] = {cuts.low, cuts.high};
  return numbers(env, both);
}

/// Of the sample, between two quantiles.
Napi::Object histogram(Napi::Env env, std::span<const float> sorted) {
  constexpr size_t kBins = 256;
  const double low = quantile(sorted, 0.001), high = quantile(sorted, 0.999);
  std::vector<double> counts(kBins, 0);
  for (const float value : sorted) {
    if (!(value >= low) || value > high) continue;
    const double share = high > low ? (value - low) / (high - low) : 0;
    counts[std::min(kBins - 1, static_cast<size_t>(share * kBins))] += 1;
  }
  Napi::Object out = Napi::Object::New(env);
  out.Set("low", low);
  out.Set("high", high);
  out.Set("counts", numbers(env, counts));
  return out;
}

}  // namespace

Napi::Value makeOverview(const Napi::CallbackInfo& info) {
  const Fields fields(info[0], "request");
  LazyImage image(readImageChoice(fields.object("image")));
  Overview::make(image()).save(fields.text("file"));
  return info.Env().Undefined();
}

Napi::Value decodePlane(const Napi::CallbackInfo& info) {
  const Fields fields(info[0], "request");
  LazyImage image(readImageChoice(fields.object("image")));
  writeDecoded(image(), fields.text("file"));
  return info.Env().Undefined();
}

Napi::Value overviewStatistics(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Overview overview = Overview::open(info[0].As<Napi::String>().Utf8Value());
  const PlaneStatistics& found = overview.statistics();
  Napi::Object out = Napi::Object::New(env);
  out.Set("finite", static_cast<double>(found.finite));
  out.Set("blank", static_cast<double>(found.blank));
  out.Set("sampled", static_cast<double>(overview.sorted().size()));
  if (found.finite == 0) return out;
  out.Set("min", found.min);
  out.Set("max", found.max);
  out.Set("mean", found.mean);
  out.Set("std", found.std);
  out.Set("median", quantile(overview.sorted(), 0.5));
  Napi::Object cuts = Napi::Object::New(env);
  cuts.Set("zscale", pairOf(env, found.zscale));
  cuts.Set("minmax", pairOf(env, {found.min, found.max}));
  cuts.Set("percentile", pairOf(env, overview.cuts({})));
  out.Set("cuts", cuts);
  out.Set("histogram", histogram(env, overview.sorted()));
  return out;
}

Napi::Value renderTilePng(const Napi::CallbackInfo& info) {
  const Fields fields(info[0], "request");
  LazyImage image(readImageChoice(fields.object("image")));
  const Look look = readLook(fields.object("look"));
  const TileAddress tile{fields.count("level"), fields.integer("x"), fields.integer("y")};
  const Overview overview = Overview::open(fields.text("overview"));
  const Picture picture = renderTile([&]() -> FitsImage& { return image(); }, overview, tile, look);
  return bytesOf(info.Env(), pngOf(picture, paletteOf(look.colours, look.blank)));
}

Napi::Value renderPicture(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Fields fields(info[0], "request");
  LazyImage image(readImageChoice(fields.object("image")));
  const Look look = readLook(fields.object("look"));
  const int64_t maxPx = fields.integer("maxPx");
  const Overview overview =
      fields.has("overview") ? Overview::open(fields.text("overview")) : Overview::make(image());
  const Picture picture = renderWhole([&]() -> FitsImage& { return image(); }, overview, maxPx, look);
  const Palette palette = paletteOf(look.colours, look.blank);
  Napi::Object out = Napi::Object::New(env);
  out.Set("width", picture.width);
  out.Set("height", picture.height);
  out.Set("scale", static_cast<double>(picture.step));
  if (fields.has("marks")) {
    ColourPicture drawn = coloured(picture, palette);
    draw(drawn, readMarks(fields.object("marks")), picture.step, overview.height());
    out.Set("png", bytesOf(env, pngOf(drawn)));
  } else {
    out.Set("png", bytesOf(env, pngOf(picture, palette)));
  }
  return out;
}

/// Linux gives each thread its own niceness (setpriority(2), notes).
Napi::Value yieldToOthers(const Napi::CallbackInfo& info) {
  const auto thread = static_cast<id_t>(::syscall(SYS_gettid));
  if (::setpriority(PRIO_PROCESS, thread, info[0].ToNumber().Int32Value()) != 0)
    throw OtfError(Code::kInternal, "a thread cannot be given a lower priority");
  return info.Env().Undefined();
}

}  // namespace otf::addon
