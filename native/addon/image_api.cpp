// What can be said of an image from its header alone.
#include "addon/api.h"
#include "addon/async.h"
#include "addon/detect_request.h"
#include "addon/object.h"
#include "detect/region.h"
#include "fits/fits.h"
#include "sky/wcs.h"

namespace otf::addon {
namespace {

struct Checked {
  FitsInfo info;
  Region region;
};

}  // namespace

Napi::Value checkImage(const Napi::CallbackInfo& info) {
  const Fields fields(info[0], "request");
  const ImageChoice choice = readImageChoice(fields.object("image"));
  const RegionRequest region = readRegion(fields);
  return runAsync<Checked>(
      info.Env(),
      [=] {
        const FitsImage image = FitsImage::open(choice.path, choice.select);
        const FitsInfo& header = image.info();
        std::optional<Wcs> wcs;
        std::vector<std::string> warnings;
        // Of no interest to anything but a region on the sky, and no reason to refuse an image.
        if (std::holds_alternative<SkyRegion>(region))
          wcs = Wcs::fromCards(header.cards, header.axes, warnings);
        return Checked{header, resolveRegion(region, header, wcs ? &*wcs : nullptr)};
      },
      [](Napi::Env env, const Checked& checked) {
        Napi::Object out = Napi::Object::New(env);
        out.Set("width", static_cast<double>(checked.region.width));
        out.Set("height", static_cast<double>(checked.region.height));
        out.Set("planes", static_cast<double>(checked.info.planes));
        return out;
      });
}

}  // namespace otf::addon
