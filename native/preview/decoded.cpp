#include "preview/decoded.h"

#include <cstdint>

#include "preview/bands.h"

namespace otf::preview {

void writeDecoded(FitsImage& image, const std::string& path) {
  FitsImageWriter writer(path, image.info().width, image.info().height, {});
  eachBand(image, [&](int64_t, int64_t rows, const float* values) { writer.writeRows(values, rows); });
  writer.finish();
}

}  // namespace otf::preview
