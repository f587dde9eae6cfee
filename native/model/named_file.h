// Files that somebody knows by their SHA-256: what computes must be what results name.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace otf {

/// The bytes of the file, all with this SHA-256, whatever happens to the file meanwhile. `what` names its kind.
/// Throws kModelUnreadable; kModelChecksum: it is another file by now.
std::vector<std::byte> readNamedFile(const std::filesystem::path& path, const std::string& what,
                                     const std::string& sha256);

}  // namespace otf
