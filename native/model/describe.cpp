#include "model/network.h"

namespace otf {
namespace {

// The third axis is said only when it does something.
std::string sides(const Triple& t, int idle) {
  std::string text = std::to_string(t[0]) + "x" + std::to_string(t[1]);
  if (t[2] != idle) text += "x" + std::to_string(t[2]);
  return text;
}

bool isAll(const Triple& t, int value) { return t == Triple{value, value, value}; }

std::string suffix(const Activation& activation, float dropout) {
  std::string text = " " + activationString(activation);
  if (dropout > 0.01F) {
    std::string rate = std::to_string(dropout);
    text += " dropout " + rate.substr(0, 4);
  }
  return text;
}

std::string padded(const Triple& stride, const Triple& padding) {
  std::string text;
  if (!isAll(stride, 1)) text += " stride " + sides(stride, 1);
  if (!isAll(padding, 0)) text += " padding " + sides(padding, 0);
  return text;
}

struct Describe {
  std::string operator()(const ConvLayer& l) const {
    std::string text =
        "conv " + sides(l.size, 1) + "x" + std::to_string(l.filters) + padded(l.stride, l.padding);
    if (!isAll(l.intPadding, 0)) text += " internal padding " + sides(l.intPadding, 0);
    return text + suffix(l.activation, l.dropout);
  }
  std::string operator()(const PoolLayer& l) const {
    const std::string kind = l.kind == PoolKind::kMax ? "max pool" : "average pool";
    if (l.global) return "global " + kind + suffix(l.activation, l.dropout);
    return kind + " " + sides(l.size, 1) + padded(l.stride, l.padding) + suffix(l.activation, l.dropout);
  }
  std::string operator()(const DenseLayer& l) const {
    return "dense " + std::to_string(l.neurons) + suffix(l.activation, l.dropout);
  }
  std::string operator()(const GroupNormLayer& l) const {
    std::string text = "group norm " + std::to_string(l.groupSize);
    if (l.setOff > 0) text += " set-off " + std::to_string(l.setOff);
    return text + suffix(l.activation, 0.0F);
  }
  std::string operator()(const LrnLayer& l) const {
    return "local response norm " + std::to_string(l.range) + suffix(l.activation, 0.0F);
  }
};

}  // namespace

std::string describeLayer(const Layer& layer) { return std::visit(Describe{}, layer); }

}  // namespace otf
