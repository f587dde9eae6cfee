// The steps oneDNN has no primitive for, on its own layouts, in place, on all threads of the calling OpenMP
// team. Data pointers are float or Bf16 as `type` says. Padding channels are never touched.
#pragma once

#include <cstdint>
#include <span>

#include "engine/onednn/layout.h"
#include "engine/yolo_output.h"
#include "model/calibration.h"
#include "model/network.h"

namespace otf::onednn {

/// Largest |x| over all elements, padding included (it is zero). NaN is not seen; infinity is.
float largestMagnitude(const void* data, ElementType type, const Layout& layout);

/// x > saturation becomes saturation + leak*(x - saturation): the upper branch of a RELU whose lower one is done.
void saturate(void* data, ElementType type, const Layout& layout, float saturation, float leak);

/// Whether a RELU is a leaky one, which primitives do, and a knee above it, which saturate() does.
bool splitsAtKnee(const Activation& activation);

/// A whole activation (not YOLO). SMAX is over all values of an item. LIN does nothing.
void activate(void* data, ElementType type, const Layout& layout, const Activation& activation);

/// Multiply by `scale`, for AVG_MODEL dropout where no weights can carry it.
void scale(void* data, ElementType type, const Layout& layout, float scale);

/// MC_MODEL: zero what the mask of (seed + item, repeat, layer) drops.
void dropout(void* data, ElementType type, const Layout& layout, uint64_t seed, uint32_t repeat,
             uint32_t layer, float rate);

/// Of an FP32 tensor, 0 among them.
ChannelRanges channelRanges(const float* data, const Layout& layout);

void groupNorm(void* data, ElementType type, const Layout& layout, const GroupNormLayer& layer);
void localResponseNorm(void* data, ElementType type, const Layout& layout, const LrnLayer& layer);

/// Spread elements `zeros` apart on each axis, zeros between: CIANNA's internal padding.
void insertZeros(const void* from, const Layout& fromLayout, Extent fromExtent, void* to,
                 const Layout& toLayout, Extent toExtent, const Triple& zeros, ElementType type);

/// To plain float, C,D,H,W per item; then, for a YOLO head, activation and box edges.
struct OutputForm {
  const YoloHead* head = nullptr;
  YoloGrid grid;
  bool raw = false;
};
void writeOutput(const void* data, ElementType type, const Layout& layout, const OutputForm& form,
                 float* output);

/// Dense outputs, [batch][count] float, in place: activation of all but the bias node, which LIN alone keeps.
void activateDense(float* data, int batch, int64_t count, const Activation& activation);

}  // namespace otf::onednn
