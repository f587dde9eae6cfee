#include "engine/conformance/case.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>

#include "error/error.h"
#include "tensor/npy.h"

namespace otf::conformance {
namespace {

[[noreturn]] void unfit(const std::filesystem::path& file, const std::string& why) {
  throw OtfError(Code::kInvalidArgument, file.string() + ": " + why);
}

/// The files are ours: one number behind its key, whatever else is there.
double numberOf(const std::filesystem::path& file, const std::string& text, const std::string& key) {
  size_t at = text.find("\"" + key + "\":");
  if (at == std::string::npos) unfit(file, "there is no '" + key + "'");
  at = text.find_first_not_of(" \t\n", text.find(':', at) + 1);
  double value = 0;
  if (at == std::string::npos ||
      std::from_chars(text.data() + at, text.data() + text.size(), value).ec != std::errc())
    unfit(file, "'" + key + "' is no number");
  return value;
}

}  // namespace

std::vector<float> Case::inputs(int batch, int first) const {
  std::vector<float> x;
  for (int n = 0; n < batch; ++n) {
    const float* item = input.data() + (first + n) % items * in;
    x.insert(x.end(), item, item + in);
  }
  return x;
}

Case loadCase(const std::filesystem::path& folder, const std::string& name) {
  const NpyArray input((folder / (name + ".input.npy")).string());
  const NpyArray output((folder / (name + ".output.npy")).string());
  const auto& s = input.shape();
  if (s.size() != 5 || s[0] < 1 || input.count() < 1)
    unfit(folder / (name + ".input.npy"), "it is not (N,C,D,H,W)");
  Case c;
  c.name = name;
  c.network = std::make_shared<Network>(readNetwork(folder / (name + ".dat")));
  c.extent = {static_cast<int>(s[4]), static_cast<int>(s[3]), static_cast<int>(s[2])};
  c.items = static_cast<int>(s[0]);
  c.in = input.count() / c.items;
  c.out = inferShapes(*c.network, c.extent).back().shape.values();
  if (c.in != Shape{c.extent, c.network->trained.c}.values())
    unfit(folder / (name + ".input.npy"), "the network takes other channels");
  if (output.count() != c.out * c.items)
    unfit(folder / (name + ".output.npy"), "the network gives another number of values");
  c.input.assign(input.data(), input.data() + input.count());
  c.expected.assign(output.data(), output.data() + output.count());
  const std::filesystem::path about = folder / (name + ".json");
  std::ifstream json(about);
  const std::string text((std::istreambuf_iterator<char>(json)), {});
  c.options.rawOutput = numberOf(about, text, "raw_output") != 0;
  c.options.inputBias = static_cast<float>(numberOf(about, text, "input_bias"));
  return c;
}

std::vector<std::string> caseNames(const std::filesystem::path& folder) {
  std::vector<std::string> list;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    if (entry.path().extension() == ".dat") list.push_back(entry.path().stem().string());
  }
  if (list.empty()) unfit(folder, error ? error.message() : "there is no NAME.dat in it");
  std::sort(list.begin(), list.end());
  return list;
}

Tolerance toleranceOf(ComputeType type) {
  switch (type) {
    case ComputeType::kFp32cFp32a:
      return {};
    case ComputeType::kTf32cFp32a:  // 10 bits behind the point, as FP16
    case ComputeType::kFp16cFp32a:
      return {true, 5e-3};
    case ComputeType::kFp16cFp16a:
    case ComputeType::kBf16cFp32a:  // 7 bits
      return {true, 2e-2};
    case ComputeType::kInt8cInt32a:
      throw OtfError(Code::kInvalidArgument,
                     "INT8 is as near as its calibration: there is no tolerance for all");
  }
  throw OtfError(Code::kInternal, "a compute type without a tolerance");
}

}  // namespace otf::conformance
