#include <new>

#include "error/error.h"
#include "model/assembly.h"
#include "model/named_file.h"
#include "tensor/mapped_file.h"

namespace otf {
namespace {

// A text file opens with "WxHxDxC"; a binary one with four ints, whose high bytes are zero for any sane size.
bool looksLikeText(std::span<const std::byte> bytes) {
  size_t at = 0;
  for (int field = 0; field < 2; ++field) {
    const size_t start = at;
    while (at < bytes.size() && bytes[at] >= std::byte{'0'} && bytes[at] <= std::byte{'9'}) ++at;
    if (at == start || at >= bytes.size() || bytes[at] != std::byte{'x'}) return false;
    ++at;
  }
  return true;
}

Network parsed(std::span<const std::byte> bytes, const std::filesystem::path& path) {
  try {
    return parseNetwork(bytes);
  } catch (const OtfError& error) {
    throw OtfError(error.code(), path.string() + ": " + error.what());
  } catch (const std::bad_alloc&) {
    throw OtfError(Code::kOutOfMemory, path.string() + ": not enough memory for the network's weights");
  }
}

}  // namespace

Network parseNetwork(std::span<const std::byte> bytes) {
  return looksLikeText(bytes) ? parseTextNetwork(bytes) : parseBinaryNetwork(bytes);
}

Network readNetwork(const std::filesystem::path& path, const std::string& sha256) {
  constexpr const char* kWhat = "network file";
  if (!sha256.empty()) return parsed(readNamedFile(path, kWhat, sha256), path);
  const MappedFile file(path.string(), kWhat, Code::kModelUnreadable);
  return parsed(file.bytes(), path);
}

}  // namespace otf
