#include "engine/narrow/weights.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "engine/cpu/bf16.h"

namespace otf::narrow {
namespace {

constexpr int kNarrow = 48;  // bytes: less would leave most of a tile's depth unused
constexpr float kMostWeight = 127.0F;

/// As few equal parts of `bytes` as fit a tile's depth, each of whole quads.
int chunksOf(int bytes) {
  int chunks = (bytes + static_cast<int>(kRowBytes) - 1) / static_cast<int>(kRowBytes);
  while (bytes % chunks != 0 || bytes / chunks % kQuad != 0) ++chunks;
  return chunks;
}

/// Whether taps are read apart: where pixels share them, without a product more.
bool readsTaps(const Geometry& g, Element element) {
  const int tap = g.channels * valueBytes(element);
  return g.strideW < g.kernelW && tap % kQuad == 0 && chunksOf(tap) * g.kernelW == chunksOf(tap * g.kernelW);
}

/// Where pixels share values, and no product is added.
bool canBraid(const Geometry& g, Element element) {
  if (element != Element::kBf16 || g.channels != 1 || g.strideW >= g.kernelW || g.kernelH > kMostBraided)
    return false;
  const int whole = (g.kernelH + 1) / 2 * kQuad * g.kernelW;
  return chunksOf(whole) <= (g.kernelH * g.kernelW * 2 + kRowBytes - 1) / kRowBytes;
}

}  // namespace

Reading readingOf(const Geometry& g, Element element) {
  const int bytes = g.kernelW * g.channels * valueBytes(element);
  // Parts of quads and those without an even part of some size go through columns, which are padded.
  if (bytes % kQuad != 0 || bytes < kNarrow || bytes / chunksOf(bytes) < kNarrow / 2)
    return canBraid(g, element) ? Reading::kBraided : Reading::kColumns;
  return g.padW == 0 && g.padH == 0 ? Reading::kDirect : Reading::kBorder;
}

bool fitsInt8(const Geometry& g) {
  return int64_t{g.channels} * g.kernelW * g.kernelH <= (int64_t{1} << 31) / (255 * 128);
}

void Weights::arrange(const float* bias) {
  const Geometry& g = geometry_;
  const int across = g.kernelW * g.channels;
  depth_ = static_cast<int>(kRowBytes) / valueBytes(element_);
  if (reading_ == Reading::kColumns) {
    parts_ = (g.kernelH * across + depth_ - 1) / depth_;
  } else if (reading_ == Reading::kBraided) {
    parts_ = chunksOf(g.kernelW * braided() * valueBytes(element_));
    depth_ = g.kernelW * braided() / parts_;
  } else {
    rows_ = g.kernelH;
    taps_ = readsTaps(g, element_) ? g.kernelW : 1;
    parts_ = chunksOf(across / taps_ * valueBytes(element_));
    depth_ = across / taps_ / parts_;
  }
  bias_.assign(static_cast<size_t>((tiles() + 1) / 2 * 2 * kTileRows), 0.0F);
  std::copy_n(bias, g.filters, bias_.begin());
  packed_ = Buffer(static_cast<size_t>(tiles() * products() * kTileBytes));
  std::memset(packed_.data(), 0, packed_.bytes());
}

char* Weights::placeOf(int filter, int y, int value) {
  const int across = geometry_.kernelW * geometry_.channels;
  const int tile = filter / kTileRows;
  const int width = std::min(2, tiles() - tile / 2 * 2);
  char* const first = const_cast<char*>(packed(tile / 2 * 2)) + tile % 2 * kTileBytes;
  const bool whole = reading_ == Reading::kColumns || reading_ == Reading::kBraided;
  const int row = whole ? 0 : y;
  int below = whole ? y * across + value : value;
  if (reading_ == Reading::kBraided) below = value * braided() + y;
  const int tap = below / (parts_ * depth_);
  const int at = below % (parts_ * depth_);
  const int64_t product = (at / depth_ * rows_ + row) * taps_ + tap;
  const int byte = at % depth_ * valueBytes(element_);
  // Quads of bytes side by side. Source: Intel SDM, TDPBF16PS, TDPBUSD.
  return first + product * width * kTileBytes + byte / kQuad * kRowBytes + filter % kTileRows * kQuad +
         byte % kQuad;
}

Weights::Weights(const Geometry& geometry, const float* plain, const float* bias)
    : geometry_(geometry), element_(Element::kBf16), reading_(readingOf(geometry, element_)) {
  arrange(bias);
  const Geometry& g = geometry_;
  for (int f = 0; f < g.filters; ++f) {
    for (int y = 0; y < g.kernelH; ++y) {
      for (int value = 0; value < g.kernelW * g.channels; ++value) {
        const int channel = value % g.channels;
        const int x = value / g.channels;
        const Bf16 weight =
            toBf16(plain[((int64_t{f} * g.channels + channel) * g.kernelH + y) * g.kernelW + x]);
        std::memcpy(placeOf(f, y, value), &weight, sizeof(weight));
      }
    }
  }
}

Weights::Weights(const Geometry& geometry, std::shared_ptr<const Quantised> source, const float* plain,
                 const float* bias)
    : geometry_(geometry),
      element_(Element::kInt8),
      reading_(readingOf(geometry, element_)),
      source_(std::move(source)) {
  arrange(bias);
  const Geometry& g = geometry_;
  scale_.assign(bias_.size(), 0.0F);
  correction_.assign(bias_.size(), 0);
  const int64_t taps = int64_t{g.kernelH} * g.kernelW;
  for (int f = 0; f < g.filters; ++f) {
    // The scales of the source's channels are in the weights: one scale is left for each filter.
    const float* const own = plain + f * taps * g.channels;
    const auto scaled = [&](int64_t i) { return own[i] * source_->scale[static_cast<size_t>(i / taps)]; };
    float largest = 0;
    for (int64_t i = 0; i < taps * g.channels; ++i) largest = std::max(largest, std::fabs(scaled(i)));
    const float step = largest > 0 ? largest / kMostWeight : 1.0F;
    int32_t zeros = 0;
    for (int y = 0; y < g.kernelH; ++y) {
      for (int value = 0; value < g.kernelW * g.channels; ++value) {
        const int channel = value % g.channels;
        const int x = value / g.channels;
        const float weight = std::nearbyint(scaled(channel * taps + int64_t{y} * g.kernelW + x) / step);
        const auto byte = static_cast<int8_t>(std::clamp(weight, -kMostWeight, kMostWeight));
        zeros += byte * source_->zero[static_cast<size_t>(channel)];
        std::memcpy(placeOf(f, y, value), &byte, sizeof(byte));
      }
    }
    scale_[static_cast<size_t>(f)] = step;
    correction_[static_cast<size_t>(f)] = -zeros;
  }
}

const char* Weights::packed(int tile) const {
  return static_cast<const char*>(packed_.data()) + int64_t{tile} * products() * kTileBytes;
}

}  // namespace otf::narrow
