// Convolutions in strips of rows that keep what flows between them in the cache: in BF16 on AMX all, as products of tiles; in
// FP32 on AVX-512 the first of a network, which have few channels and large maps. What MC_MODEL drops values of, a third axis
// and internal padding stay with oneDNN.
#include <omp.h>

#include "engine/amx/layer.h"
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

int64_t weightBytes(const ConvLayer& layer, bool bf16) {
  return int64_t{layer.filters} * layer.weightsPerFilter() * (bf16 ? amx::kValue : int64_t{sizeof(float)});
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
  if (spec_.bf16) return hasAmx();
  return hasAvx512() && layer->size[0] * layer->channels() <= kMostTaps && !takesWinograd(index);
}

size_t PlanBuilder::stripLayers() const {
  if (flow_.flat || !takesStrips(layer_)) return 0;
  // Strips read all weights again: they have to stay in the cache beside what flows.
  const int64_t cache = roofline::cacheBytes();
  const auto* layer = &std::get<ConvLayer>(network_.layers[layer_]);
  int64_t weights = weightBytes(*layer, spec_.bf16);
  size_t count = 1;
  while (layer_ + count < network_.layers.size() && takesStrips(layer_ + count)) {
    if (!splitsAtKnee(layer->activation) && !isPlain(layer->activation)) break;
    layer = &std::get<ConvLayer>(network_.layers[layer_ + count]);
    weights += weightBytes(*layer, spec_.bf16);
    const strips::Geometry geometry = geometryOf(*layer);
    const bool follows = spec_.bf16 ? amx::canFollow(geometry) : geometry.readsOnce();
    if (!follows || weights > cache / 2) break;
    ++count;
  }
  if (spec_.bf16) return count;
  // In FP32 only where a map is spared the way to the memory and back.
  const int64_t between = shapes_[layer_].shape.values() * int64_t{sizeof(float)};
  return count > 1 && between > cache ? count : 0;
}

void PlanBuilder::addStrips(size_t count) {
  const size_t end = layer_ + count;
  const DataType type = computeType();
  const bool asGiven = !flow_.arena && flow_.shape.c == 1;  // floats, and one channel is last as well
  const bool floatsOut = !spec_.bf16 || end == network_.layers.size();
  if (!asGiven) {
    const Desc wanted(dims(flow_.shape), type, Tag::nhwc);
    if (!flow_.arena || !sameMemory(flow_.memory.get_desc(), wanted)) addReorder(wanted);
  }
  std::vector<strips::ChainLayer> layers;
  std::vector<Reach> reaches;
  for (size_t i = layer_; i < end; ++i) {
    const Extent out = shapes_[i].shape.extent;
    const auto& layer = std::get<ConvLayer>(network_.layers[i]);
    const Epilogue epilogue = epilogueOf(layer.activation);
    if (spec_.bf16) {
      layers.push_back(
          {std::make_shared<const amx::TileLayer>(weights_.tiles(i, true), epilogue), out.w, out.h});
    } else {
      layers.push_back(
          {std::make_shared<const avx512::DirectLayer>(weights_.direct(i, true), epilogue), out.w, out.h});
    }
    reaches.push_back(weights_.reachOfConv(i, true));
  }
  const Extent in = flow_.shape.extent;
  const strips::Chain::Ends ends{in.w, in.h, asGiven || !spec_.bf16, !spec_.bf16, floatsOut};
  const auto chain = std::make_shared<const strips::Chain>(std::move(layers), ends, spec_.batch,
                                                           omp_get_max_threads(), roofline::cacheBytes());
  const Shape shape = shapes_[end - 1].shape;
  const Flow next =
      produce(Desc(dims(shape), floatsOut ? DataType::f32 : DataType::bf16, Tag::nhwc), shape, nextArena());
  const dnnl::memory pad = scratch(Desc({chain->scratchBytes()}, DataType::u8, Tag::x));
  step(spec_.bf16 ? "tiles:amx_bf16" : "strips:avx512",
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
