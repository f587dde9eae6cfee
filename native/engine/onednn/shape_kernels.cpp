#include <algorithm>
#include <cstring>

#include "engine/onednn/kernels.h"

namespace otf::onednn {
namespace {

template <typename T>
void spread(const T* from, const Layout& fromLayout, Extent fromExtent, T* to, const Layout& toLayout,
            Extent toExtent, const Triple& zeros) {
  const int64_t rows = int64_t{fromLayout.batch} * fromLayout.blocks();
  const int64_t block = fromLayout.block;
#pragma omp parallel for schedule(static)
  for (int64_t row = 0; row < rows; ++row) {
    const T* in = from + row * fromLayout.map * block;
    T* out = to + row * toLayout.map * block;
    std::memset(out, 0, sizeof(T) * static_cast<size_t>(toLayout.map * block));
    for (int d = 0; d < fromExtent.d; ++d) {
      for (int h = 0; h < fromExtent.h; ++h) {
        for (int w = 0; w < fromExtent.w; ++w) {
          const int64_t source = (int64_t{d} * fromExtent.h + h) * fromExtent.w + w;
          const int64_t target =
              (int64_t{d} * (zeros[2] + 1) * toExtent.h + int64_t{h} * (zeros[1] + 1)) * toExtent.w +
              int64_t{w} * (zeros[0] + 1);
          std::copy_n(in + source * block, block, out + target * block);
        }
      }
    }
  }
}

template <typename T>
void unblock(const T* item, const Layout& layout, int firstChannel, int lastChannel, float* out) {
  for (int c = firstChannel; c < lastChannel; ++c) {
    const T* first = item + (c / layout.block) * layout.map * layout.block + c % layout.block;
    float* to = out + c * layout.map;
    for (int64_t s = 0; s < layout.map; ++s) to[s] = toFloat(first[s * layout.block]);
  }
}

template <typename T>
void write(const T* data, const Layout& layout, const OutputForm& form, float* output) {
  // A unit of work is a box, so that activation and edges find their planes in the cache of the thread that wrote them.
  const int planes = form.head != nullptr ? form.head->planesPerBox() : 1;
  const int units = layout.channels / planes;
  const int64_t values = layout.channels * layout.map;
#pragma omp parallel for collapse(2) schedule(static)
  for (int n = 0; n < layout.batch; ++n) {
    for (int unit = 0; unit < units; ++unit) {
      float* item = output + n * values;
      unblock(data + n * layout.itemStride(), layout, unit * planes, (unit + 1) * planes, item);
      if (form.head != nullptr) finishYolo(*form.head, form.grid, form.raw, unit, unit + 1, item);
    }
  }
}

}  // namespace

void insertZeros(const void* from, const Layout& fromLayout, Extent fromExtent, void* to,
                 const Layout& toLayout, Extent toExtent, const Triple& zeros, ElementType type) {
  if (type == ElementType::kFloat) {
    spread(static_cast<const float*>(from), fromLayout, fromExtent, static_cast<float*>(to), toLayout,
           toExtent, zeros);
  } else {
    spread(static_cast<const Bf16*>(from), fromLayout, fromExtent, static_cast<Bf16*>(to), toLayout, toExtent,
           zeros);
  }
}

void writeOutput(const void* data, ElementType type, const Layout& layout, const OutputForm& form,
                 float* output) {
  if (type == ElementType::kFloat) {
    write(static_cast<const float*>(data), layout, form, output);
  } else {
    write(static_cast<const Bf16*>(data), layout, form, output);
  }
}

}  // namespace otf::onednn
