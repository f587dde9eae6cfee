#include "fits/cfitsio.h"

#include <array>
#include <cmath>

#include "fits/fits.h"

namespace otf::fits {

void check(int status, Code code, const std::string& what) {
  if (status <= 0) return;
  fits_clear_errmsg();
  if (status == MEMORY_ALLOCATION) throw OtfError(Code::kOutOfMemory, what + ": not enough memory");
  std::array<char, FLEN_STATUS> text{};
  fits_get_errstatus(status, text.data());
  throw OtfError(code, what + ": " + text.data() + " (CFITSIO " + std::to_string(status) + ")");
}

std::string literalPath(const std::string& path) { return path.starts_with('/') ? path : "./" + path; }

void requireReentrant() {
  static const bool reentrant = fits_is_reentrant() != 0;
  if (!reentrant) {
    throw OtfError(Code::kInternal,
                   "this CFITSIO library was built without thread safety (--enable-reentrant)");
  }
}

Handle openDiskFile(const std::string& path, const std::string& label) {
  requireReentrant();
  fitsfile* file = nullptr;
  int status = 0;
  fits_open_diskfile(&file, literalPath(path).c_str(), READONLY, &status);
  Handle handle(file);
  check(status, Code::kFitsUnreadable, "cannot read " + label);
  return handle;
}

Handle openMemoryFile(MemoryFile& memory, const std::string& label) {
  requireReentrant();
  fitsfile* file = nullptr;
  int status = 0;
  // The name is a constant: CFITSIO would interpret brackets in it.
  fits_open_memfile(&file, "memory", READONLY, &memory.address, &memory.bytes, 0, nullptr, &status);
  Handle handle(file);
  check(status, Code::kFitsUnreadable, "cannot read " + label);
  return handle;
}

}  // namespace otf::fits

std::string otf::cfitsioVersion() {
  float version = 0;
  fits_get_version(&version);
  const auto digits = static_cast<int>(std::lround(version * 10000));  // 4.02 = 4.2.0, 4.0603 = 4.6.3
  return std::to_string(digits / 10000) + "." + std::to_string(digits / 100 % 100) + "." +
         std::to_string(digits % 100);
}
