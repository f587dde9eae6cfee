// An output file that appears complete under its name, or not at all.
#pragma once

#include <cerrno>
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
  /// Checksums into every HDU, close, sync, rename.
  void commit();

 private:
  void sync();
  void writeChecksums();
  [[noreturn]] void fail(int status);

  std::string path_, temporary_;
  Handle handle_;
};

}  // namespace otf::fits
