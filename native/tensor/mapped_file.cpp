#include "tensor/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace otf {

MappedFile::MappedFile(const std::string& path, const std::string& what, Code code) {
  const auto fail = [&](const char* reason) {
    throw OtfError(code, "cannot read " + what + " " + path + ": " + reason);
  };
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) fail(std::strerror(errno));
  struct stat status{};
  const char* problem = nullptr;
  if (::fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
    problem = "not a regular file";
  } else if (status.st_size > 0) {
    void* address = ::mmap(nullptr, static_cast<size_t>(status.st_size), PROT_READ, MAP_PRIVATE, fd, 0);
    if (address == MAP_FAILED) {
      problem = std::strerror(errno);
    } else {
      address_ = address;
      size_ = static_cast<size_t>(status.st_size);
    }
  }
  ::close(fd);
  if (problem != nullptr) fail(problem);
}

MappedFile::~MappedFile() {
  if (size_ > 0) ::munmap(address_, size_);
}

}  // namespace otf
