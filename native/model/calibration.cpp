#include "model/calibration.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <sstream>

#include "error/error.h"
#include "model/named_file.h"
#include "tensor/mapped_file.h"

namespace otf {
namespace {

constexpr std::string_view kTitle = "cianna-otf INT8 calibration 1";

std::string decimal(float value) {
  std::array<char, 32> digits;
  return {digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr};
}

/// Channels of what comes out of each layer of the network; 0 of those that are not spatial.
std::vector<int> channelsOf(const Network& network) {
  std::vector<int> channels;
  int now = network.trained.c;
  for (const Layer& layer : network.layers) {
    if (const auto* conv = std::get_if<ConvLayer>(&layer); conv != nullptr) now = conv->filters;
    if (std::holds_alternative<DenseLayer>(layer)) now = 0;
    channels.push_back(now);
  }
  return channels;
}

struct Lines {
  std::istringstream in;
  int number = 0;

  [[noreturn]] void fail(const std::string& what) const {
    throw OtfError(Code::kModelMalformed, "line " + std::to_string(number) + " " + what +
                                              ": make the calibration again (cianna-otf models calibrate)");
  }
  std::string next() {
    std::string line;
    ++number;
    if (!std::getline(in, line)) fail("is missing");
    return line;
  }
  float numberIn(std::istringstream& words) const {
    std::string word;
    float value = 0;
    if (!(words >> word)) fail("ends too soon");
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (error != std::errc() || end != word.data() + word.size() || !std::isfinite(value))
      fail("has '" + word + "' for a number");
    return value;
  }
};

Calibration parsed(std::span<const std::byte> bytes, const Network& network,
                   const std::filesystem::path& path) {
  try {
    return parseCalibration(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()), network);
  } catch (const OtfError& error) {
    throw OtfError(error.code(), path.string() + ": " + error.what());
  }
}

}  // namespace

std::string calibrationText(const Calibration& calibration) {
  std::string text = std::string(kTitle) + "\nleading " + std::to_string(calibration.leading) + "\n";
  for (size_t i = 0; i < calibration.layers.size(); ++i) {
    const ChannelRanges& layer = calibration.layers[i];
    if (layer.low.empty()) continue;
    text += "layer " + std::to_string(i) + " " + std::to_string(layer.low.size()) + "\n";
    for (size_t c = 0; c < layer.low.size(); ++c)
      text += decimal(layer.low[c]) + " " + decimal(layer.high[c]) + "\n";
  }
  return text + "end\n";
}

Calibration parseCalibration(const std::string& text, const Network& network) {
  Lines lines{std::istringstream(text)};
  if (lines.next() != kTitle) lines.fail("is not '" + std::string(kTitle) + "'");
  Calibration result;
  std::string word;
  std::istringstream head(lines.next());
  if (!(head >> word >> result.leading) || word != "leading" || result.leading < 1)
    lines.fail("does not say how many convolutions stay in BF16");
  const std::vector<int> channels = channelsOf(network);
  result.layers.resize(channels.size());
  for (std::string line = lines.next(); line != "end"; line = lines.next()) {
    std::istringstream words(line);
    size_t layer = 0;
    int count = 0;
    if (!(words >> word >> layer >> count) || word != "layer") lines.fail("begins no layer");
    if (layer >= channels.size() || count < 1 || channels[layer] != count)
      lines.fail("is of layer " + std::to_string(layer) + " with " + std::to_string(count) +
                 " channels, which the network does not have");
    ChannelRanges& ranges = result.layers[layer];
    if (!ranges.low.empty()) lines.fail("is of layer " + std::to_string(layer) + " again");
    for (int c = 0; c < count; ++c) {
      std::istringstream pair(lines.next());
      ranges.low.push_back(lines.numberIn(pair));
      ranges.high.push_back(lines.numberIn(pair));
      if (!(ranges.low.back() <= ranges.high.back())) lines.fail("is no range");
    }
  }
  return result;
}

Calibration readCalibration(const std::filesystem::path& path, const Network& network,
                            const std::string& sha256) {
  constexpr const char* kWhat = "calibration";
  if (!sha256.empty()) return parsed(readNamedFile(path, kWhat, sha256), network, path);
  const MappedFile file(path.string(), kWhat, Code::kModelUnreadable);
  return parsed(file.bytes(), network, path);
}

void RangeNotes::note(size_t layer, const ChannelRanges& seen) {
  const std::lock_guard lock(mutex_);
  if (layers_.size() <= layer) layers_.resize(layer + 1);
  ChannelRanges& known = layers_[layer];
  if (known.low.empty()) {
    known = seen;
    return;
  }
  for (size_t c = 0; c < seen.low.size(); ++c) {
    known.low[c] = std::min(known.low[c], seen.low[c]);
    known.high[c] = std::max(known.high[c], seen.high[c]);
  }
}

std::vector<ChannelRanges> RangeNotes::ranges() const {
  const std::lock_guard lock(mutex_);
  return layers_;
}

}  // namespace otf
