// Convolutions of 3x3 in FP32 on AVX-512, by Winograd's F(2x2, 3x3) where that is less work. What stays with oneDNN:
// plan_strips.cpp.
#include <omp.h>

#include <algorithm>

#include "engine/onednn/cpu.h"
#include "engine/onednn/plan_builder.h"
#include "engine/roofline/rates.h"

namespace otf::onednn {
namespace {

using DataType = dnnl::memory::data_type;
using Tag = dnnl::memory::format_tag;

constexpr double kArithmetic = 16.0 / 36.0;  // points of a tile over products of its four outputs

avx512::WinogradShape shapeOf(const ConvLayer& layer, Extent in) {
  return {layer.channels(), layer.filters, layer.padding[0], layer.padding[1], in.w, in.h};
}

}  // namespace

bool PlanBuilder::takesWinograd(size_t index) const {
  const ConvLayer* layer = ownConvolution(index);
  if (layer == nullptr || spec_.bf16 || spec_.ranges != nullptr || flow_.flat || takesBytes(index) ||
      !hasAvx512())
    return false;
  if (layer->size != Triple{3, 3, 1} || layer->stride != Triple{1, 1, 1}) return false;
  return avx512::pays(shapeOf(*layer, inputOf(index).extent));
}

void PlanBuilder::addWinograd(const ConvLayer& layer) {
  const Desc wanted(dims(flow_.shape), DataType::f32, Tag::nhwc);
  if (!flow_.arena || !sameMemory(flow_.memory.get_desc(), wanted)) addReorder(wanted);
  const auto convolution = std::make_shared<const avx512::Winograd>(
      weights_.winograd(layer_, true), epilogueOf(layer.activation), shapeOf(layer, flow_.shape.extent),
      spec_.batch, omp_get_max_threads(), roofline::cacheBytes());
  const Shape out = shapes_[layer_].shape;
  const Flow next = produce(Desc(dims(out), DataType::f32, Tag::nhwc), out, nextArena());
  const dnnl::memory pad = scratch(Desc({convolution->scratchBytes()}, DataType::u8, Tag::x));
  const bool saturates = splitsAtKnee(layer.activation);
  step("winograd:avx512", [convolution, from = flow_.memory, to = next.memory, pad, saturates,
                           reach = weights_.reachOfConv(layer_, true), knee = layer.activation](Pass& pass) {
    pass.stream.wait();
    convolution->run(static_cast<const float*>(from.get_data_handle()),
                     static_cast<float*>(to.get_data_handle()), pad.get_data_handle());
    pass.bound = pass.bound * reach.gain + reach.shift;
    if (saturates && pass.bound > knee.saturation)
      pass.bound = knee.saturation + knee.leak * (pass.bound - knee.saturation);
  });
  plan_->steps_.back().arithmetic = kArithmetic;
  flow_ = next;
  if (!saturates) addActivation(layer.activation);
}

}  // namespace otf::onednn
