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

// CIANNA prints two decimals into 40 characters; a number too long for that is written in the form that fits.
std::string withParameters(const char* name, const char* firstMark, float first, const char* secondMark,
                           float second) {
  char text[40];
  const int length =
      std::snprintf(text, sizeof text, "%s%s%0.2f%s%0.2f", name, firstMark, first, secondMark, second);
  if (length >= static_cast<int>(sizeof text)) {
    std::snprintf(text, sizeof text, "%s%s%g%s%g", name, firstMark, first, secondMark, second);
  }
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
      return withParameters("RELU", "_S", activation.saturation, "_L", activation.leak);
    case ActivationKind::kLogistic:
      return withParameters("LOGI", "_S", activation.saturation, "_B", activation.beta);
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
