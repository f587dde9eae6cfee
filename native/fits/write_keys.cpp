#include "fits/write_keys.h"

#include <cmath>

namespace otf::fits {

std::string asciiText(std::string text) {
  for (char& c : text) {
    if (c < 0x20 || c > 0x7e) c = '?';
  }
  return text;
}

void writeKeys(OutputFile& file, std::span<const FitsKey> keys) {
  for (const FitsKey& key : keys) {
    const std::string name = asciiText(key.name), comment = asciiText(key.comment),
                      text = asciiText(key.text);
    if (!key.isText && !std::isfinite(key.number)) {
      throw OtfError(Code::kInvalidArgument,
                     "FITS keyword " + name + " cannot hold a number that is not finite");
    }
    file.run([&](int* status) {
      if (key.isText && text.size() > 60) {
        fits_write_key_longwarn(file.get(), status);
        fits_update_key_longstr(file.get(), name.c_str(), text.c_str(), comment.c_str(), status);
      } else if (key.isText) {
        fits_update_key_str(file.get(), name.c_str(), text.c_str(), comment.c_str(), status);
      } else if (key.isInteger) {
        fits_update_key_lng(file.get(), name.c_str(), static_cast<LONGLONG>(key.number), comment.c_str(),
                            status);
      } else {
        // 15 digits, negative = in %G form: CFITSIO would print trailing digits of the binary value otherwise.
        fits_update_key_dbl(file.get(), name.c_str(), key.number, -15, comment.c_str(), status);
      }
    });
  }
}

}  // namespace otf::fits
