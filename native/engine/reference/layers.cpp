#include "engine/reference/layers.h"

#include <algorithm>
#include <cmath>

namespace otf::reference {
namespace {

size_t at(const Shape& shape, int c, int d, int h, int w) {
  return static_cast<size_t>(((int64_t{c} * shape.extent.d + d) * shape.extent.h + h) * shape.extent.w + w);
}

// Position in an input whose elements are `zeros` zeros apart; -1 on a zero or outside.
int source(int position, int zeros, int size) {
  if (position < 0 || position % (zeros + 1) != 0) return -1;
  const int index = position / (zeros + 1);
  return index < size ? index : -1;
}

/// Calls visit(c, d, h, w) for every element of a tensor, in memory order.
template <typename Visit>
void forEach(const Shape& shape, Visit visit) {
  for (int c = 0; c < shape.c; ++c) {
    for (int d = 0; d < shape.extent.d; ++d) {
      for (int h = 0; h < shape.extent.h; ++h) {
        for (int w = 0; w < shape.extent.w; ++w) visit(c, d, h, w);
      }
    }
  }
}

}  // namespace

Values convolve(const ConvLayer& layer, const Shape& input, const Shape& output, const Values& x,
                float bias) {
  Values y(static_cast<size_t>(output.values()));
  const auto [fw, fh, fd] = layer.size;
  forEach(output, [&](int f, int od, int oh, int ow) {
    const float* weights = layer.weights.data() + f * layer.weightsPerFilter();
    double sum = static_cast<double>(weights[layer.weightsPerFilter() - 1]) * bias;
    for (int c = 0; c < input.c; ++c) {
      for (int kd = 0; kd < fd; ++kd) {
        const int d =
            source(od * layer.stride[2] + kd - layer.padding[2], layer.intPadding[2], input.extent.d);
        if (d < 0) continue;
        for (int kh = 0; kh < fh; ++kh) {
          const int h =
              source(oh * layer.stride[1] + kh - layer.padding[1], layer.intPadding[1], input.extent.h);
          if (h < 0) continue;
          for (int kw = 0; kw < fw; ++kw) {
            const int w =
                source(ow * layer.stride[0] + kw - layer.padding[0], layer.intPadding[0], input.extent.w);
            if (w < 0) continue;
            sum +=
                static_cast<double>(weights[((c * fd + kd) * fh + kh) * fw + kw]) * x[at(input, c, d, h, w)];
          }
        }
      }
    }
    y[at(output, f, od, oh, ow)] = static_cast<float>(sum);
  });
  return y;
}

Values pool(const PoolLayer& layer, const Shape& input, const Shape& output, const Values& x) {
  Triple size = layer.size;
  Triple stride = layer.stride;
  Triple padding = layer.padding;
  if (layer.global) {
    size = stride = {input.extent.w, input.extent.h, input.extent.d};
    padding = {0, 0, 0};
  }
  Values y(static_cast<size_t>(output.values()));
  forEach(output, [&](int c, int od, int oh, int ow) {
    double sum = 0;
    int count = 0;
    float largest = 0;
    for (int kd = 0; kd < size[2]; ++kd) {
      const int d = source(od * stride[2] + kd - padding[2], 0, input.extent.d);
      for (int kh = 0; kh < size[1]; ++kh) {
        const int h = source(oh * stride[1] + kh - padding[1], 0, input.extent.h);
        for (int kw = 0; kw < size[0]; ++kw) {
          const int w = source(ow * stride[0] + kw - padding[0], 0, input.extent.w);
          if (d < 0 || h < 0 || w < 0) continue;
          const float value = x[at(input, c, d, h, w)];
          if (count == 0 || value > largest) largest = value;
          sum += value;
          ++count;
        }
      }
    }
    y[at(output, c, od, oh, ow)] = layer.kind == PoolKind::kMax ? largest : static_cast<float>(sum / count);
  });
  return y;
}

Values dense(const DenseLayer& layer, const Values& x) {
  const int64_t columns = layer.neurons + 1;
  std::vector<double> sums(static_cast<size_t>(columns), 0.0);
  for (int64_t row = 0; row < layer.inputs; ++row) {
    const float* weights = layer.weights.data() + row * columns;
    const double value = x[static_cast<size_t>(row)];
    for (int64_t n = 0; n < columns; ++n) sums[static_cast<size_t>(n)] += value * weights[n];
  }
  return {sums.begin(), sums.end()};
}

Values groupNorm(const GroupNormLayer& layer, const Shape& shape, const Values& x) {
  constexpr double kEpsilon = 0.001;
  Values y = x;
  const int64_t map = shape.values() / shape.c;
  const int groups = (shape.c + layer.groupSize - 1) / layer.groupSize;
  for (int g = 0; g < groups - layer.setOff; ++g) {
    const int64_t first = int64_t{g} * layer.groupSize * map;
    const int64_t last = std::min<int64_t>(int64_t{g + 1} * layer.groupSize, shape.c) * map;
    const auto count = static_cast<double>(last - first);
    double sum = 0;
    for (int64_t i = first; i < last; ++i) sum += x[static_cast<size_t>(i)];
    const double mean = sum / count;
    double squares = 0;
    for (int64_t i = first; i < last; ++i) squares += std::pow(x[static_cast<size_t>(i)] - mean, 2);
    const double scale = layer.gamma[static_cast<size_t>(g)] / std::sqrt(squares / count + kEpsilon);
    for (int64_t i = first; i < last; ++i) {
      y[static_cast<size_t>(i)] =
          static_cast<float>(scale * (x[static_cast<size_t>(i)] - mean) + layer.beta[static_cast<size_t>(g)]);
    }
  }
  return y;
}

Values lrn(const LrnLayer& layer, const Shape& shape, const Values& x) {
  Values y(x.size());
  forEach(shape, [&](int c, int d, int h, int w) {
    double squares = 0;
    const int last = std::min(shape.c - 1, c + layer.range / 2);
    for (int k = std::max(0, c - layer.range / 2); k <= last; ++k)
      squares += std::pow(static_cast<double>(x[at(shape, k, d, h, w)]), 2);
    const double scale = std::pow(layer.k + layer.alpha * squares / layer.range, layer.beta);
    y[at(shape, c, d, h, w)] = static_cast<float>(x[at(shape, c, d, h, w)] / scale);
  });
  return y;
}

void activate(const Activation& activation, bool biasNode, Values& x) {
  const size_t count = x.size() - (biasNode ? 1 : 0);
  switch (activation.kind) {
    case ActivationKind::kLinear:
    case ActivationKind::kYolo:
      return;
    case ActivationKind::kRelu:
      for (size_t i = 0; i < count; ++i) {
        if (x[i] <= 0.0F) {
          x[i] *= activation.leak;
        } else if (x[i] > activation.saturation) {
          x[i] = activation.saturation + (x[i] - activation.saturation) * activation.leak;
        }
      }
      break;
    case ActivationKind::kLogistic:
      for (size_t i = 0; i < count; ++i) {
        const double exponent = -static_cast<double>(activation.beta) * x[i];
        x[i] = static_cast<float>(
            1.0 / (1.0 + std::exp(exponent > activation.saturation ? activation.saturation : exponent)));
      }
      break;
    case ActivationKind::kSoftmax: {
      const double largest = *std::max_element(x.begin(), x.begin() + static_cast<ptrdiff_t>(count));
      double sum = 0;
      for (size_t i = 0; i < count; ++i) sum += std::exp(x[i] - largest);
      for (size_t i = 0; i < count; ++i) x[i] = static_cast<float>(std::exp(x[i] - largest) / sum);
      break;
    }
  }
  if (biasNode) x.back() = 0.0F;
}

}  // namespace otf::reference
