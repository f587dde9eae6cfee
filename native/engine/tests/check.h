// Comparisons shared by the engine's tests.
#pragma once

#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include "engine/conformance/compare.h"

namespace otf::test {

using conformance::worst;
using conformance::worstOfRange;

}  // namespace otf::test
