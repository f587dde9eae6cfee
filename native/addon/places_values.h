// Flux densities at places: what is asked, and the columns of what was measured.
#pragma once

#include <vector>

#include "addon/object.h"
#include "detect/forced.h"

namespace otf::addon {

struct SkyPlaces {
  std::vector<double> raDeg, decDeg;
};

/// Members raDeg and decDeg. Throws kInvalidArgument when they differ in length.
SkyPlaces readSkyPlaces(const Fields& fields);

/// PlacesColumns of addon-scores.ts.
Napi::Object placesColumns(Napi::Env env, const PlacesMeasured& places);

}  // namespace otf::addon
