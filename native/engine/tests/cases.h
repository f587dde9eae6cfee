// The conformance networks as test cases: CIANNA's own networks, inputs and outputs.
#pragma once

#include <doctest/doctest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "engine/conformance/case.h"

namespace otf::test {

inline const std::filesystem::path kNetworks = std::filesystem::path(OTF_FIXTURES) / "networks";

using conformance::Case;

inline Case loadCase(const std::string& name) {
  Case c = conformance::loadCase(kNetworks, name);
  c.options.threads = 2;
  return c;
}

inline std::vector<std::string> caseNames() { return conformance::caseNames(kNetworks); }

}  // namespace otf::test
