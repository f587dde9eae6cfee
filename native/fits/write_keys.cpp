#include "fits/write_keys.h"

#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>

namespace otf::fits {

namespace {

struct Letter {
  uint32_t code = 0;  // 0: these bytes are no UTF-8
  size_t bytes = 1;
};

Letter letterAt(std::string_view text) {
  const auto first = static_cast<unsigned char>(text.front());
  const size_t bytes = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < bytes) return {};
  uint32_t code = first & (0x7fU >> bytes);
  for (const char c : text.substr(1, bytes - 1)) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xc0U) != 0x80U) return {};
    code = code << 6U | (byte & 0x3fU);
  }
  return {code, bytes};
}

}  // namespace

std::string asciiText(std::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const char c = text[at];
    if (c >= 0x20 && c <= 0x7e) {
      out += c;
      ++at;
      continue;
    }
    const Letter letter = letterAt(text.substr(at));
    std::array<char, 16> name{'?'};
    if (letter.code != 0)
      std::snprintf(name.data(), name.size(), letter.code > 0xffff ? "\\U%08x" : "\\u%04x", letter.code);
    out += name.data();
    at += letter.bytes;
  }
  return out;
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
