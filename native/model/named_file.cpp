#include "model/named_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "error/error.h"
#include "model/sha256.h"

namespace otf {
namespace {

constexpr size_t kShown = 12;

struct File {
  explicit File(const char* path) : fd(::open(path, O_RDONLY | O_CLOEXEC)) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (fd >= 0) ::close(fd);
  }
  const int fd;
};

/// A copy: a map would change with the file, after it was hashed.
std::vector<std::byte> contentOf(const std::filesystem::path& path, const std::string& what) {
  const auto fail = [&](const char* reason) {
    throw OtfError(Code::kModelUnreadable, "cannot read " + what + " " + path.string() + ": " + reason);
  };
  const File file(path.c_str());
  struct stat status{};
  if (file.fd < 0 || ::fstat(file.fd, &status) != 0) fail(std::strerror(errno));
  if (!S_ISREG(status.st_mode)) fail("not a regular file");
  std::vector<std::byte> bytes(static_cast<size_t>(status.st_size));
  for (size_t done = 0; done < bytes.size();) {
    const ssize_t got = ::read(file.fd, bytes.data() + done, bytes.size() - done);
    if (got < 0 && errno != EINTR) fail(std::strerror(errno));
    if (got == 0) bytes.resize(done);
    if (got > 0) done += static_cast<size_t>(got);
  }
  return bytes;
}

}  // namespace

std::vector<std::byte> readNamedFile(const std::filesystem::path& path, const std::string& what,
                                     const std::string& sha256) {
  std::vector<std::byte> bytes = contentOf(path, what);
  const std::string found = sha256Hex(bytes);
  if (found == sha256) return bytes;
  throw OtfError(Code::kModelChecksum,
                 "the " + what + " " + path.string() + " has changed since its card was read (sha256 " +
                     found.substr(0, kShown) + "..., was " + sha256.substr(0, kShown) +
                     "...): put it back, or restart the server with a card that names it");
}

}  // namespace otf
