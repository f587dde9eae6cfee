#include "model/network_memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>

#include "error/error.h"

namespace otf {

NetworkMemory::NetworkMemory(const Network& network)
    : fd_(::memfd_create("cianna-otf-network", MFD_CLOEXEC)) {
  const std::vector<std::byte> bytes = writeNetwork(network);
  size_t written = 0;
  while (fd_ >= 0 && written < bytes.size()) {
    const ssize_t got = ::write(fd_, bytes.data() + written, bytes.size() - written);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    written += static_cast<size_t>(got);
  }
  if (fd_ < 0 || written < bytes.size()) {
    if (fd_ >= 0) ::close(fd_);
    throw OtfError(Code::kOutOfMemory, "no memory for a copy of the network");
  }
}

NetworkMemory::~NetworkMemory() { ::close(fd_); }

}  // namespace otf
