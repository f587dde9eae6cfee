// What the fuzz targets share.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>

#include "error/error.h"

namespace otf::fuzz {

/// Ends the target where something does not hold that nobody's bytes may change.
inline void require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "broken promise: %s\n", what);
  std::abort();
}

inline void requireOneLine(const OtfError& error) {
  require(std::string(error.what()).find('\n') == std::string::npos, "an error is one line");
}

/// Bytes as a file that has no name.
class MemoryFile {
 public:
  MemoryFile(const uint8_t* data, size_t size) : fd_(::memfd_create("fuzz", MFD_CLOEXEC)) {
    require(fd_ >= 0 && ::write(fd_, data, size) == static_cast<ssize_t>(size), "memory for a file");
  }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  ~MemoryFile() { ::close(fd_); }
  std::string path() const { return "/proc/self/fd/" + std::to_string(fd_); }

 private:
  int fd_;
};

/// A first input, in the folder that OTF_SEEDS names; without one nothing is written.
inline void writeSeed(const std::string& name, std::span<const std::byte> bytes) {
  const char* folder = std::getenv("OTF_SEEDS");
  if (folder == nullptr) return;
  std::ofstream file(std::filesystem::path(folder) / name);
  file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

inline void writeSeed(const std::string& name, const std::string& text) {
  writeSeed(name, std::as_bytes(std::span(text)));
}

}  // namespace otf::fuzz
