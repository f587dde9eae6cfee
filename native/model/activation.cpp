#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "model/assembly.h"

namespace otf {
namespace {

// CIANNA scans for the marker anywhere in the string and keeps the default when no number follows.
void readAfter(const std::string& text, const char* marker, float& value) {
  const size_t at = text.find(marker);
  if (at == std::string::npos) return;
  const char* start = text.c_str() + at + 2;
  char* end = nullptr;
  const float parsed = std::strtof(start, &end);
  if (end != start) value = parsed;
}

// CIANNA writes two decimals. A value they would change keeps its digits: a network that is written and read
// again is the same network. Two such values and their markers fit the 40 characters of the file.
std::string exact(float value) {
  char text[48];
  std::snprintf(text, sizeof text, "%0.2f", static_cast<double>(value));
  if (std::strtof(text, nullptr) != value || std::strlen(text) > 15)
    std::snprintf(text, sizeof text, "%.9g", static_cast<double>(value));
  return text;
}

}  // namespace

std::optional<Activation> parseActivation(std::string_view view) {
  const std::string text(view);
  Activation activation;
  if (view.starts_with("RELU")) {
    activation.kind = ActivationKind::kRelu;
    readAfter(text, "_S", activation.saturation);
    readAfter(text, "_L", activation.leak);
  } else if (view.starts_with("LOGI")) {
    activation.kind = ActivationKind::kLogistic;
    activation.saturation = 6.0F;
    readAfter(text, "_S", activation.saturation);
    readAfter(text, "_B", activation.beta);
  } else if (view.starts_with("SMAX")) {
    activation.kind = ActivationKind::kSoftmax;
  } else if (view.starts_with("LIN")) {
    activation.kind = ActivationKind::kLinear;
  } else if (view.starts_with("YOLO")) {
    activation.kind = ActivationKind::kYolo;
  } else {
    return std::nullopt;
  }
  return activation;
}

std::string activationString(const Activation& activation) {
  switch (activation.kind) {
    case ActivationKind::kRelu:
      return "RELU_S" + exact(activation.saturation) + "_L" + exact(activation.leak);
    case ActivationKind::kLogistic:
      return "LOGI_S" + exact(activation.saturation) + "_B" + exact(activation.beta);
    case ActivationKind::kSoftmax:
      return "SMAX";
    case ActivationKind::kYolo:
      return "YOLO";
    case ActivationKind::kLinear:
      break;
  }
  return "LIN";
}

}  // namespace otf
