// Convolutions in strips of rows that keep what flows between them in the cache: in INT8, and in BF16 on AMX, all; in BF16 alone
// on vectors those of few channels, and in FP32 on AVX-512 the first of a network, which have large maps as well. What is left
// is oneDNN's: 1x1 and strides with many channels, what MC_MODEL drops values of, a third axis and internal padding.
#include <omp.h>

#include <algorithm>

#include "engine/narrow/layer.h"
#include "engine/onednn/cpu.h"
#include "engine/onednn/plan_builder.h"
#include "engine/roofline/rates.h"
#include "engine/strips/chain.h"

namespace otf::onednn {
namespace {

using DataType = dnnl::memory::data_type;
using Tag = dnnl::memory::format_tag;

// Values side by side below a row of the kernel. In FP32 more are summed faster by oneDNN, which brings them together first.
constexpr int kMostTaps = 128;

bool isPlain(const Activation& a) {
  return a.kind == ActivationKind::kLinear || a.kind == ActivationKind::kYolo;
}

DataType dataType(strips::Values values) {
  if (values == strips::Values::kFloat) return DataType::f32;
  return values == strips::Values::kBf16 ? DataType::bf16 : DataType::u8;
}

std::string kernelName(bool bytes, bool bf16) {
  const auto isAmx = [](narrow::Element element) { return narrowUnit(element) == Unit::kAmx; };
  std::string name = "strips:";
  if (bf16) name += isAmx(narrow::Element::kBf16) ? "amx_bf16" : "avx512_bf16";
  if (bytes && bf16) name += ",";
  if (bytes) name += isAmx(narrow::Element::kInt8) ? "amx_int8" : "avx512_vnni";
  return name;
}

std::shared_ptr<const narrow::Quantised> quantised(const ChannelRanges& ranges) {
  return std::make_shared<const narrow::Quantised>(ranges.low, ranges.high);
}

}  // namespace

const ConvLayer* PlanBuilder::ownConvolution(size_t index) const {
  const auto* layer = std::get_if<ConvLayer>(&network_.layers[index]);
  if (layer == nullptr || random(layer->dropout) || rank_ != 2 || layer->intPadding != Triple{0, 0, 0})
    return nullptr;
  return inputOf(index).c == layer->channels() ? layer : nullptr;
}

Shape PlanBuilder::inputOf(size_t index) const {
  return index == 0 ? Shape{spec_.extent, network_.trained.c} : shapes_[index - 1].shape;
}

bool PlanBuilder::takesStrips(size_t index) const {
  const ConvLayer* layer = ownConvolution(index);
  if (layer == nullptr) return false;
  if (takesBytes(index)) return true;
  if (takesWinograd(index)) return false;
  // Beside bytes, and on AMX, all in BF16.
  if (spec_.bf16 && (spec_.int8 != nullptr || narrowUnit(narrow::Element::kBf16) == Unit::kAmx)) return true;
  return hasAvx512() && spec_.ranges == nullptr && layer->size[0] * layer->channels() <= kMostTaps;
}

bool PlanBuilder::takesBytes(size_t index) const {
  // Ranges are those of values of which none are dropped.
  if (spec_.int8 == nullptr || index == 0 || randomSeen_ || ownConvolution(index) == nullptr) return false;
  const auto isConv = [](const Layer& layer) { return std::holds_alternative<ConvLayer>(layer); };
  const auto end = network_.layers.begin() + static_cast<std::ptrdiff_t>(index);
  if (std::count_if(network_.layers.begin(), end, isConv) < spec_.int8->leading) return false;
  return !spec_.int8->layers[index - 1].low.empty() &&
         narrow::fitsInt8(geometryOf(std::get<ConvLayer>(*end)));
}

int64_t PlanBuilder::stripWeights(size_t index) const {
  const auto& conv = std::get<ConvLayer>(network_.layers[index]);
  return conv.filters * conv.weightsPerFilter() *
         (isNarrow(index) ? narrow::valueBytes(elementOf(index)) : int64_t{sizeof(float)});
}

bool PlanBuilder::follows(size_t index) const {
  const strips::Geometry geometry = geometryOf(std::get<ConvLayer>(network_.layers[index]));
  // Floats are not made bytes inside a chain.
  if (isNarrow(index) != isNarrow(index - 1)) return false;
  return isNarrow(index) ? narrow::canFollow(geometry, elementOf(index)) : geometry.readsOnce();
}

size_t PlanBuilder::stripLayers() const {
  if (flow_.flat || !takesStrips(layer_)) return 0;
  // Strips read all weights again: they have to stay in the cache beside what flows.
  const int64_t cache = roofline::cacheBytes();
  const auto* layer = &std::get<ConvLayer>(network_.layers[layer_]);
  int64_t weights = stripWeights(layer_);
  size_t count = 1;
  while (layer_ + count < network_.layers.size() && takesStrips(layer_ + count)) {
    if (!splitsAtKnee(layer->activation) && !isPlain(layer->activation)) break;
    layer = &std::get<ConvLayer>(network_.layers[layer_ + count]);
    weights += stripWeights(layer_ + count);
    if (!follows(layer_ + count) || weights > cache / 2) break;
    ++count;
  }
  if (isNarrow(layer_)) return count;
  // In FP32 only where a map is spared the way to the memory and back.
  const int64_t between = shapes_[layer_].shape.values() * int64_t{sizeof(float)};
  return count > 1 && between > cache ? count : 0;
}

std::shared_ptr<const strips::Layer> PlanBuilder::stripLayer(size_t index, bool bytesOut) {
  const Epilogue epilogue = epilogueOf(std::get<ConvLayer>(network_.layers[index]).activation);
  if (!isNarrow(index))
    return std::make_shared<const avx512::DirectLayer>(weights_.direct(index, true), epilogue);
  const auto weights = takesBytes(index)
                           ? weights_.byteTiles(index, true, quantised(spec_.int8->layers[index - 1]))
                           : weights_.tiles(index, true);
  const Unit unit = narrowUnit(weights->element());
  return std::make_shared<const narrow::NarrowLayer>(
      weights, unit, epilogue, bytesOut ? quantised(spec_.int8->layers[index]) : nullptr);
}

void PlanBuilder::addStrips(size_t count) {
  const size_t end = layer_ + count;
  const DataType type = computeType();
  const bool asGiven = !flow_.arena && flow_.shape.c == 1;  // floats, and one channel is last as well
  const bool bytesIn = !asGiven && flow_.arena && typeOf(flow_.memory.get_desc()) == DataType::u8;
  if (!asGiven && !bytesIn) {
    const Desc wanted(dims(flow_.shape), type, Tag::nhwc);
    if (!flow_.arena || !sameMemory(flow_.memory.get_desc(), wanted)) addReorder(wanted);
  }
  std::vector<strips::ChainLayer> layers;
  std::vector<Reach> reaches;
  bool anyBytes = false;
  bool anyOther = false;
  strips::Values values = strips::Values::kFloat;
  for (size_t i = layer_; i < end; ++i) {
    const auto& layer = std::get<ConvLayer>(network_.layers[i]);
    const Extent out = shapes_[i].shape.extent;
    const bool known = splitsAtKnee(layer.activation) || isPlain(layer.activation);
    const bool bytesOut = i + 1 < network_.layers.size() && known && isNarrow(i) && takesBytes(i + 1);
    const bool floatsOut = !spec_.bf16 || i + 1 == network_.layers.size();
    values =
        bytesOut ? strips::Values::kUnsigned8 : (floatsOut ? strips::Values::kFloat : strips::Values::kBf16);
    layers.push_back({stripLayer(i, bytesOut), out.w, out.h, values});
    (takesBytes(i) ? anyBytes : anyOther) = true;
    reaches.push_back(weights_.reachOfConv(i, true));
  }
  const Extent in = flow_.shape.extent;
  const strips::Values from = bytesIn
                                  ? strips::Values::kUnsigned8
                                  : (asGiven || !spec_.bf16 ? strips::Values::kFloat : strips::Values::kBf16);
  const auto chain =
      std::make_shared<const strips::Chain>(std::move(layers), strips::Chain::Ends{in.w, in.h, from},
                                            spec_.batch, omp_get_max_threads(), roofline::cacheBytes());
  const Shape shape = shapes_[end - 1].shape;
  const Flow next = produce(Desc(dims(shape), dataType(values), Tag::nhwc), shape, nextArena());
  const dnnl::memory pad = scratch(Desc({chain->scratchBytes()}, DataType::u8, Tag::x));
  step(isNarrow(end - 1) ? kernelName(anyBytes, anyOther) : "strips:avx512",
       [chain, reaches, from = flow_.memory, isInput = !flow_.arena, to = next.memory, pad](Pass& pass) {
         pass.stream.wait();
         const void* source = isInput ? pass.input : from.get_data_handle();
         double* const apart = pass.apart != nullptr ? pass.apart->data() : nullptr;
         chain->run(source, to.get_data_handle(), pad.get_data_handle(), apart);
         for (const Reach& reach : reaches) pass.bound = pass.bound * reach.gain + reach.shift;
       });
  plan_->steps_.back().layers = count;
  flow_ = next;
  for (size_t i = 1; i < count; ++i) plan_->entries_.push_back({Entry::kInside, {}});
  layer_ = end - 1;
  const auto& last = std::get<ConvLayer>(network_.layers[layer_]);
  if (!splitsAtKnee(last.activation)) addActivation(last.activation);
}

}  // namespace otf::onednn
