#include <algorithm>
#include <array>
#include <cctype>

#include "engine/engine.h"

namespace otf {
namespace {

struct Entry {
  ComputeType type;
  std::string_view name, brief;
};

// FP16C_FP16A has no brief form: "FP16" means accumulating in FP32, as CIANNA's users do.
constexpr std::array kEntries = {
    Entry{ComputeType::kFp32cFp32a, "FP32C_FP32A", "FP32"},
    Entry{ComputeType::kTf32cFp32a, "TF32C_FP32A", "TF32"},
    Entry{ComputeType::kFp16cFp32a, "FP16C_FP32A", "FP16"},
    Entry{ComputeType::kFp16cFp16a, "FP16C_FP16A", ""},
    Entry{ComputeType::kBf16cFp32a, "BF16C_FP32A", "BF16"},
    Entry{ComputeType::kInt8cInt32a, "INT8C_INT32A", "INT8"},
};

}  // namespace

std::string_view computeTypeName(ComputeType type) {
  return std::find_if(kEntries.begin(), kEntries.end(), [&](const Entry& e) { return e.type == type; })->name;
}

std::optional<ComputeType> parseComputeType(std::string_view name) {
  std::string upper(name);
  std::transform(upper.begin(), upper.end(), upper.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  for (const Entry& entry : kEntries) {
    if (upper == entry.name || (!upper.empty() && upper == entry.brief)) return entry.type;
  }
  return std::nullopt;
}

ComputeType effectiveType(const std::vector<ComputeType>& types, ComputeType asked) {
  const auto has = [&](ComputeType type) {
    return std::find(types.begin(), types.end(), type) != types.end();
  };
  if (has(asked)) return asked;
  const bool half = asked == ComputeType::kFp16cFp16a && has(ComputeType::kFp16cFp32a);
  return half ? ComputeType::kFp16cFp32a : ComputeType::kFp32cFp32a;
}

}  // namespace otf
