// Convolutions in BF16 on AMX: our own products of tiles, several layers in strips of rows where that keeps what flows
// between them in the cache. MC_MODEL, a third axis and internal padding stay with oneDNN.
#include <omp.h>

#include "engine/amx/chain.h"
#include "engine/onednn/cpu.h"
#include "engine/onednn/plan_builder.h"
#include "engine/roofline/rates.h"

namespace otf::onednn {
namespace {

using DataType = dnnl::memory::data_type;
using Tag = dnnl::memory::format_tag;

bool isPlain(const Activation& a) {
  return a.kind == ActivationKind::kLinear || a.kind == ActivationKind::kYolo;
}

amx::Epilogue epilogueOf(const Activation& a) {
  if (!splitsAtKnee(a)) return {};
  return {a.leak, (1.0F - a.leak) * a.saturation};
}

int64_t packedBytes(const ConvLayer& layer) {
  return int64_t{layer.filters} * layer.weightsPerFilter() * amx::kValue;
}

}  // namespace

bool PlanBuilder::takesTiles(size_t index) const {
  const auto* layer = std::get_if<ConvLayer>(&network_.layers[index]);
  if (layer == nullptr || !spec_.bf16 || spec_.monteCarlo || rank_ != 2 || !hasAmx()) return false;
  const Shape in = index == 0 ? Shape{spec_.extent, network_.trained.c} : shapes_[index - 1].shape;
  return layer->intPadding == Triple{0, 0, 0} && in.c == layer->channels();
}

size_t PlanBuilder::tileLayers() const {
  if (flow_.flat || !takesTiles(layer_)) return 0;
  // Strips read all weights again: they have to stay in the cache beside what flows.
  const int64_t room = roofline::cacheBytes() / 2;
  const auto* layer = &std::get<ConvLayer>(network_.layers[layer_]);
  int64_t weights = packedBytes(*layer);
  size_t count = 1;
  while (layer_ + count < network_.layers.size() && takesTiles(layer_ + count)) {
    if (!splitsAtKnee(layer->activation) && !isPlain(layer->activation)) break;
    layer = &std::get<ConvLayer>(network_.layers[layer_ + count]);
    weights += packedBytes(*layer);
    if (!amx::canFollow(tileGeometry(*layer)) || weights > room) break;
    ++count;
  }
  return count;
}

void PlanBuilder::addTiles(size_t count) {
  const size_t end = layer_ + count;
  const bool floatsIn = !flow_.arena && flow_.shape.c == 1;
  const bool floatsOut = end == network_.layers.size();
  if (!floatsIn) {
    const Desc wanted(dims(flow_.shape), DataType::bf16, Tag::nhwc);
    if (!flow_.arena || !sameMemory(flow_.memory.get_desc(), wanted)) addReorder(wanted);
  }
  std::vector<amx::ChainLayer> layers;
  std::vector<Reach> reaches;
  for (size_t i = layer_; i < end; ++i) {
    const Extent out = shapes_[i].shape.extent;
    const auto& layer = std::get<ConvLayer>(network_.layers[i]);
    layers.push_back({weights_.tiles(i, true), epilogueOf(layer.activation), out.w, out.h});
    reaches.push_back(weights_.reachOfConv(i, true));
  }
  const Extent in = flow_.shape.extent;
  const auto chain =
      std::make_shared<const amx::Chain>(std::move(layers), amx::Chain::Ends{in.w, in.h, floatsIn, floatsOut},
                                         spec_.batch, omp_get_max_threads(), roofline::cacheBytes());
  const Shape shape = shapes_[end - 1].shape;
  const Flow next =
      produce(Desc(dims(shape), floatsOut ? DataType::f32 : DataType::bf16, Tag::nhwc), shape, nextArena());
  const dnnl::memory pad = scratch(Desc({chain->scratchBytes()}, DataType::u8, Tag::x));
  step("tiles:amx_bf16",
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
