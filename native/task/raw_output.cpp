#include "task/raw_output.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "error/error.h"

namespace otf {
namespace {

[[noreturn]] void fail() {
  throw OtfError(Code::kOutputUnwritable,
                 std::string("cannot keep the network's output: ") + std::strerror(errno));
}

}  // namespace

RawOutput::RawOutput(const std::string& path)
    : fd_(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)) {
  if (fd_ < 0) fail();
}

RawOutput::~RawOutput() { ::close(fd_); }

void RawOutput::write(const float* values, int64_t count, int64_t at) {
  const char* from = reinterpret_cast<const char*>(values);
  size_t left = static_cast<size_t>(count) * sizeof(float);
  auto offset = static_cast<off_t>(at) * static_cast<off_t>(sizeof(float));
  while (left > 0) {
    const ssize_t written = ::pwrite(fd_, from, left, offset);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) fail();
    from += written;
    left -= static_cast<size_t>(written);
    offset += written;
  }
}

void RawOutput::sync() {
  if (::fsync(fd_) != 0) fail();
}

}  // namespace otf
