#include <algorithm>
#include <cmath>
#include <cstdio>

#include "engine/conformance/case.h"
#include "engine/conformance/compare.h"
#include "engine/registry/registry.h"
#include "error/error.h"
#include "kit/commands.h"
#include "kit/records.h"

namespace otf::kit {
namespace {

/// The largest first: an engine that is laid out for one batch serves the smaller ones as it is.
constexpr int kBatches[] = {9, 4, 1};

struct Verdict {
  EngineInfo info;
  double tolerance = 0;  // worst |a-b| / (2e-5 + 2e-5 |b|)
  double range = 0;      // worst |a-b| / range of the output
};

Verdict compare(const conformance::Case& c, const std::string& engineName, ComputeType type) {
  EngineOptions options = c.options;
  options.computeType = type;
  const auto engine = createEngine(engineName, c.network, options);
  Verdict verdict;
  for (const int batch : kBatches) {
    const int first = batch % c.items;
    const std::vector<float> x = c.inputs(batch, first);
    std::vector<float> y(static_cast<size_t>(batch * c.out), NAN);
    engine->forward(c.extent, batch, x.data(), y.data());
    for (int n = 0; n < batch; ++n) {
      const float* expected = c.expectedOf(first + n);
      verdict.tolerance =
          std::max(verdict.tolerance, conformance::worst(y.data() + n * c.out, expected, c.out, 2e-5, 2e-5));
      verdict.range =
          std::max(verdict.range, conformance::worstOfRange(y.data() + n * c.out, expected, c.out));
    }
  }
  verdict.info = engine->info();
  return verdict;
}

}  // namespace

int conformance(const Arguments& arguments) {
  const std::string& engineName = arguments.text("--engine");
  const std::string& typeName = arguments.text("--quantization");
  const auto type = parseComputeType(typeName);
  if (!type) throw OtfError(Code::kInvalidArgument, "no compute type '" + typeName + "'");
  const std::filesystem::path folder = arguments.text("--networks");
  const Records records(arguments.text("--json", ""));
  const std::vector<std::string> names = conformance::caseNames(folder);
  int wrong = 0;
  double worst = 0;
  bool ofRange = false;
  for (const std::string& name : names) {
    process::FlatJson record;
    record.text("step", "conformance")
        .text("engine", engineName)
        .text("network", name)
        .text("asked", typeName);
    try {
      const Verdict v = compare(conformance::loadCase(folder, name), engineName, *type);
      const conformance::Tolerance limit = conformance::toleranceOf(v.info.effective);
      const double distance = limit.ofRange ? v.range : v.tolerance;
      const bool right = distance <= limit.most;
      record.text("effective", computeTypeName(v.info.effective)).text("version", v.info.version);
      finite(record, "ofTolerance", v.tolerance);
      finite(record, "ofRange", v.range).number("limit", limit.most);
      record.text("verdict", right ? "right" : "wrong");
      ofRange = limit.ofRange;
      worst = std::max(worst, distance);
      if (!right) {
        ++wrong;
        std::printf("  %s: %s\n", name.c_str(), rounded(distance).c_str());
      }
    } catch (const OtfError& error) {
      ++wrong;
      record.text("verdict", "failed")
          .text("reason", std::string(codeName(error.code())) + " " + error.what());
      std::printf("  %s: %s\n", name.c_str(), error.what());
    }
    records.add(record);
  }
  std::printf("%s %s: %zu of %zu networks right; the worst %s of %s\n", engineName.c_str(), typeName.c_str(),
              names.size() - static_cast<size_t>(wrong), names.size(), rounded(worst).c_str(),
              ofRange ? "the output's range" : "the tolerance");
  return wrong == 0 ? 0 : 1;
}

}  // namespace otf::kit
