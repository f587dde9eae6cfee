// Convolutions of 3x3 on AVX-512, by Winograd's F(2x2, 3x3) where that is less work. What stays with oneDNN: plan_strips.cpp.
#include <omp.h>

#include <algorithm>

#include "engine/onednn/cpu.h"
#include "engine/onednn/plan_builder.h"
#include "engine/roofline/rates.h"
#include "engine/winograd/winograd.h"

namespace otf::onednn {
namespace {

using DataType = dnnl::memory::data_type;
using Tag = dnnl::memory::format_tag;
using strips::Values;

constexpr double kArithmetic = 16.0 / 36.0;  // points of a tile over products of its four outputs
// Of a bound, in BF16. Inputs' points are up to 4 times the largest input, the magnitudes of a kernel's in an output up to 4 times
// those of its weights, and each is rounded by 2^-9.
constexpr float kSlack = 1.0F + 2 * 16.0F / 512;

winograd::Shape shapeOf(const ConvLayer& layer, Extent in) {
  return {layer.channels(), layer.filters, layer.padding[0], layer.padding[1], in.w, in.h};
}

}  // namespace

bool PlanBuilder::takesWinograd(size_t index) const {
  const ConvLayer* layer = ownConvolution(index);
  if (layer == nullptr || spec_.ranges != nullptr || flow_.flat || takesBytes(index) || !hasAvx512())
    return false;
  if (spec_.bf16 && (spec_.int8 != nullptr || (unit() == Unit::kAmx && !winogradOnAmx()))) return false;
  if (layer->size != Triple{3, 3, 1} || layer->stride != Triple{1, 1, 1}) return false;
  return winograd::pays(shapeOf(*layer, inputOf(index).extent), values(), unit());
}

Values PlanBuilder::values() const { return spec_.bf16 ? Values::kBf16 : Values::kFloat; }

Unit PlanBuilder::unit() const { return spec_.bf16 ? narrowUnit(narrow::Element::kBf16) : Unit::kVectors; }

void PlanBuilder::addWinograd(const ConvLayer& layer) {
  const Values valuesOut = layer_ + 1 == network_.layers.size() ? Values::kFloat : values();
  const Desc wanted(dims(flow_.shape), computeType(), Tag::nhwc);
  if (!flow_.arena || !sameMemory(flow_.memory.get_desc(), wanted)) addReorder(wanted);
  const auto convolution = std::make_shared<const winograd::Convolution>(
      weights_.winograd(layer_, true, values()), unit(), epilogueOf(layer.activation),
      shapeOf(layer, flow_.shape.extent), valuesOut, spec_.batch, omp_get_max_threads(),
      roofline::cacheBytes());
  const Shape out = shapes_[layer_].shape;
  const DataType typeOut = valuesOut == Values::kBf16 ? DataType::bf16 : DataType::f32;
  const Flow next = produce(Desc(dims(out), typeOut, Tag::nhwc), out, nextArena());
  const dnnl::memory pad = scratch(Desc({convolution->scratchBytes()}, DataType::u8, Tag::x));
  const bool saturates = splitsAtKnee(layer.activation);
  const char* const narrow = unit() == Unit::kAmx ? "winograd:amx_bf16" : "winograd:avx512_bf16";
  step(
      spec_.bf16 ? narrow : "winograd:avx512",
      [convolution, from = flow_.memory, to = next.memory, pad, saturates, slack = spec_.bf16 ? kSlack : 1.0F,
       reach = weights_.reachOfConv(layer_, true), knee = layer.activation](Pass& pass) {
        pass.stream.wait();
        convolution->run(from.get_data_handle(), to.get_data_handle(), pad.get_data_handle());
        pass.bound = (pass.bound * reach.gain + reach.shift) * slack;
        if (saturates && pass.bound > knee.saturation)
          pass.bound = knee.saturation + knee.leak * (pass.bound - knee.saturation);
      });
  plan_->steps_.back().arithmetic = kArithmetic;
  flow_ = next;
  if (!saturates) addActivation(layer.activation);
}

}  // namespace otf::onednn
