#include "error/error.h"
#include "fits/byte_source.h"
#include "fits/fits.h"
#include "fits/header_scan.h"

namespace otf {

std::vector<ImageHdu> listImages(const std::string& path, const std::string& label, size_t most,
                                 std::vector<std::string>& warnings) {
  const std::string name = fits::printable(label.empty() ? path : label);
  const std::unique_ptr<fits::ByteSource> source = fits::openFileSource(path, name);
  std::vector<ImageHdu> images;
  for (const fits::ScannedHdu& hdu : fits::scanImages(*source, name, most, warnings)) {
    ImageHdu image{hdu.index, hdu.extname, 0, 0, 1, hdu.kind == fits::ScannedHdu::Kind::kCompressedImage};
    for (size_t axis = 0; axis < hdu.dims.size(); ++axis) {
      if (static_cast<int>(axis) == hdu.axes.x) {
        image.width = hdu.dims[axis];
      } else if (static_cast<int>(axis) == hdu.axes.y) {
        image.height = hdu.dims[axis];
      } else {
        image.planes *= hdu.dims[axis];
      }
    }
    images.push_back(std::move(image));
  }
  return images;
}

}  // namespace otf
