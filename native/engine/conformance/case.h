// A network with inputs and the outputs that CIANNA itself gave for them: what decides whether an engine is right.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "engine/engine.h"

namespace otf::conformance {

struct Case {
  std::string name;
  std::shared_ptr<const Network> network;
  Extent extent;
  int items = 0;
  int64_t in = 0, out = 0;             // values of one item
  std::vector<float> input, expected;  // of all items
  EngineOptions options;               // input bias and raw output as the outputs were made with

  /// `batch` items, the case's own over and over, starting with item `first`.
  std::vector<float> inputs(int batch, int first) const;
  const float* expectedOf(int item) const { return expected.data() + item % items * out; }
};

/// NAME.dat, NAME.input.npy (N,C,D,H,W), NAME.output.npy and NAME.json of a folder. Throws what reading them throws, and
/// kInvalidArgument when they do not belong together.
Case loadCase(const std::filesystem::path& folder, const std::string& name);

/// Names of the cases in a folder, in order. Throws kInvalidArgument when there are none.
std::vector<std::string> caseNames(const std::filesystem::path& folder);

/// How far an engine may be from outputs that CIANNA computed in FP32: of the tolerance 2e-5 + 2e-5 |value| in FP32, of the
/// output's range in types that keep fewer digits.
struct Tolerance {
  bool ofRange = false;
  double most = 1;
};
Tolerance toleranceOf(ComputeType type);

}  // namespace otf::conformance
