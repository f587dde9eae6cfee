// CFITSIO behind one owner and one status helper. Internal to this room and to reader, whose program alone decodes
// with it: included by their .cpp files only.
#pragma once

#include <fitsio.h>

#include <span>
#include <string>
#include <utility>

#include "error/error.h"

namespace otf::fits {

/// Owns one fitsfile. Move-only; one thread at a time.
class Handle {
 public:
  Handle() = default;
  explicit Handle(fitsfile* file) : file_(file) {}
  Handle(Handle&& other) noexcept : file_(std::exchange(other.file_, nullptr)) {}
  Handle& operator=(Handle&& other) noexcept {
    std::swap(file_, other.file_);
    return *this;
  }
  ~Handle() {
    int status = 0;
    if (file_ != nullptr) fits_close_file(file_, &status);
  }

  fitsfile* get() const { return file_; }
  /// For the one close whose outcome matters: after writing.
  int close() {
    int status = 0;
    fitsfile* file = std::exchange(file_, nullptr);
    if (file != nullptr) fits_close_file(file, &status);
    return status;
  }

 private:
  fitsfile* file_ = nullptr;
};

/// Throws `code` with "<what>: <CFITSIO's text for the status>"; running out of memory keeps its own code.
/// CFITSIO's message stack is shared by all threads and could name another's file, so only the status text is used.
void check(int status, Code code, const std::string& what);

/// A path CFITSIO takes literally: it skips leading blanks and expands a leading '~' otherwise.
std::string literalPath(const std::string& path);

/// Read-only. Throws kInternal if CFITSIO was built without thread safety, kFitsUnreadable if it refuses the file.
Handle openDiskFile(const std::string& path, const std::string& label);

/// A memory file, whose address and size CFITSIO keeps pointers to.
struct MemoryFile {
  void* address = nullptr;
  size_t bytes = 0;
};
Handle openMemoryFile(MemoryFile& memory, const std::string& label);

/// Throws kInternal if CFITSIO cannot be used from several threads.
void requireReentrant();

}  // namespace otf::fits
