#include <cstdio>
#include <cstdlib>

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
  char text[40];
  switch (activation.kind) {
    case ActivationKind::kRelu:
      std::snprintf(text, sizeof text, "RELU_S%0.2f_L%0.2f", activation.saturation, activation.leak);
      return text;
    case ActivationKind::kLogistic:
      std::snprintf(text, sizeof text, "LOGI_S%0.2f_B%0.2f", activation.saturation, activation.beta);
      return text;
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
