// A read-only view of a whole file.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "error/error.h"

namespace otf {

/// The map lives as long as the object. Thread-safe. A file cut short by somebody else while mapped raises
/// SIGBUS: map only files this process owns or that are checked by length first.
class MappedFile {
 public:
  /// Throws `code`: "cannot read <what> <path>: <reason>".
  MappedFile(const std::string& path, const std::string& what, Code code);
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();
  std::span<const std::byte> bytes() const { return {static_cast<const std::byte*>(address_), size_}; }

 private:
  void* address_ = nullptr;
  size_t size_ = 0;
};

}  // namespace otf
