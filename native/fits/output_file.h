// An output file that appears complete under its name, or not at all.
#pragma once

#include <cerrno>
#include <cstdint>
#include <optional>
#include <string>

#include "fits/cfitsio.h"

namespace otf::fits {

/// Creates a FITS file under a temporary name beside `path`; commit() renames it, destruction removes it.
/// One thread at a time.
class OutputFile {
 public:
  explicit OutputFile(const std::string& path);
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;
  ~OutputFile();

  fitsfile* get() const { return handle_.get(); }
  /// Runs one CFITSIO call, `call(int* status)`; a failure throws kOutputUnwritable with path and reason.
  template <typename Call>
  void run(Call call) {
    int status = 0;
    errno = 0;
    call(&status);
    if (status > 0) fail(status);
  }
  /// Checksums into every HDU, close, sync: all but the name. `firstSum`: that of the first one's data, if it is known
  /// (addToSum); else they are read back, as those of the others are. Once.
  void settle(std::optional<uint32_t> firstSum = std::nullopt);
  /// settle, if that has not been done, and rename.
  void commit(std::optional<uint32_t> firstSum = std::nullopt);

 private:
  void sync();
  void writeChecksums(std::optional<uint32_t> known);
  uint32_t headerSum();
  [[noreturn]] void fail(int status);

  std::string path_, temporary_;
  Handle handle_;
  bool isSettled_ = false;
};

/// The ones' complement sum of two such sums (FITS Standard 4.0, appendix J).
inline uint32_t addToSum(uint32_t sum, uint64_t more) {
  uint64_t all = uint64_t{sum} + (more & 0xFFFFFFFFU) + (more >> 32);
  while (all >> 32 != 0) all = (all & 0xFFFFFFFFU) + (all >> 32);
  return static_cast<uint32_t>(all);
}

}  // namespace otf::fits
