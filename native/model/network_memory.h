// A network as a file in memory: what a child process inherits, and what CIANNA may open for writing.
#pragma once

#include <string>

#include "model/network.h"

namespace otf {

/// The binary form of a network in a memfd. The file lives as long as somebody has it open.
class NetworkMemory {
 public:
  /// Throws kOutOfMemory.
  explicit NetworkMemory(const Network& network);
  NetworkMemory(const NetworkMemory&) = delete;
  NetworkMemory& operator=(const NetworkMemory&) = delete;
  ~NetworkMemory();
  int fd() const { return fd_; }
  std::string path() const { return "/proc/self/fd/" + std::to_string(fd_); }  // in this process

 private:
  int fd_;
};

}  // namespace otf
