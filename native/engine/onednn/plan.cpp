#include "engine/onednn/plan.h"

#include <algorithm>
#include <limits>

#include "timing/stopwatch.h"

namespace otf::onednn {

void Plan::bind(const Arenas& arenas) {
  for (auto& [memory, arena] : tensors_) memory.set_data_handle(arenas[arena].data());
}

void Plan::run(Pass& pass, const Arenas& arenas) {
  bind(arenas);
  for (const Step& step : steps_) step.run(pass);
  pass.stream.wait();
}

size_t Plan::runUntil(Pass& pass, const Arenas& arenas, const std::function<bool(size_t layer)>& stop) {
  bind(arenas);
  size_t layer = 0;
  for (size_t i = 0; i < steps_.size(); ++i) {
    while (layer < entries_.size() && entries_[layer].step == Entry::kInside) ++layer;
    if (layer < entries_.size() && i == entries_[layer].step) {
      if (stop(layer)) {
        pass.stream.wait();
        return layer;
      }
      ++layer;
    }
    steps_[i].run(pass);
  }
  pass.stream.wait();
  return entries_.size();
}

void Plan::resume(Pass& pass, const Arenas& arenas, size_t layer, const Plan& begun) {
  bind(arenas);
  // The two may have chosen other kernels, which want other layouts.
  dnnl::memory from = begun.entries_[layer].flow;
  dnnl::memory to = entries_[layer].flow;
  if (to) dnnl::reorder(from, to).execute(pass.stream, from, to);
  for (size_t i = entries_[layer].step; i < steps_.size(); ++i) steps_[i].run(pass);
  pass.stream.wait();
}

void Plan::runRandomPart(Pass& pass) {
  // Of the kept tensor: not remembered, so measured where it matters.
  pass.bound = std::numeric_limits<float>::infinity();
  for (size_t i = firstRandom_; i < steps_.size(); ++i) steps_[i].run(pass);
  pass.stream.wait();
}

std::vector<LayerNote> Plan::profile(Pass& pass, const Arenas& arenas, size_t layers) {
  bind(arenas);
  std::vector<LayerNote> notes(layers);
  for (const Step& step : steps_) {
    std::vector<double> apart(step.layers, 0.0);
    pass.apart = step.layers > 1 ? &apart : nullptr;
    const Stopwatch watch;
    step.run(pass);
    pass.stream.wait();
    if (step.layers == 1) apart[0] = watch.seconds();
    for (size_t i = 0; i < step.layers; ++i) {
      LayerNote& note = notes[step.layer + i];
      note.seconds += apart[i];
      note.follows = note.follows || i > 0;
      note.arithmetic = std::min(note.arithmetic, step.arithmetic);
      if (!step.kernel.empty()) note.kernel += (note.kernel.empty() ? "" : " + ") + step.kernel;
    }
  }
  pass.apart = nullptr;
  return notes;
}

}  // namespace otf::onednn
