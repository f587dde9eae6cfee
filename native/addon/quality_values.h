// How good a detection is, as JavaScript values.
#pragma once

#include <napi.h>

#include "detect/quality/quality_task.h"

namespace otf::addon {

/// FoundQuality of addon-detect.ts.
Napi::Object qualityValues(Napi::Env env, const quality::QualityResult& result);

}  // namespace otf::addon
