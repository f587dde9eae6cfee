// A compressed plane as plain pixels: every tile of it is decoded once, however many pictures are made of it.
#pragma once

#include <string>

#include "fits/fits.h"

namespace otf::preview {

/// An image of one plane of float32, with the pixels that readWindow gives and without a word about them: readers of
/// either get the same pixels. Throws as FitsImage::readWindow, and kOutputUnwritable; never leaves half a file.
void writeDecoded(FitsImage& image, const std::string& path);

}  // namespace otf::preview
