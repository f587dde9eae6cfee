// What a detection gives, from the detect room to JavaScript.
#pragma once

#include <napi.h>

#include "detect/outcome.h"

namespace otf::addon {

/// OwnTimes of addon.ts: the stages that a detection measures itself.
Napi::Object stageTimes(Napi::Env env, const StageSeconds& seconds);

/// catalogue, image, tiling, counts, times.
Napi::Object detectionValues(Napi::Env env, const DetectionOutcome& outcome);

}  // namespace otf::addon
