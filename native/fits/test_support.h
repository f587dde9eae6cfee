// Shared by this room's tests: temporary folders, whole files, and the code an operation throws.
#pragma once

#include <doctest/doctest.h>
#include <unistd.h>

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include "error/error.h"

namespace otf::test {

inline std::string fixture(const std::string& name) { return std::string(OTF_FIXTURES) + "/fits/" + name; }

/// Removed with everything in it at the end of the test.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "otf-test-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string operator/(const std::string& name) const { return (path_ / name).string(); }
  size_t entries() const {
    return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(path_), {}));
  }

 private:
  std::filesystem::path path_;
};

inline std::vector<std::byte> readBytes(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  REQUIRE_MESSAGE(stream.good(), path);
  const std::string text((std::istreambuf_iterator<char>(stream)), {});
  const auto* begin = reinterpret_cast<const std::byte*>(text.data());
  return {begin, begin + text.size()};
}

inline void writeBytes(const std::string& path, const std::vector<std::byte>& bytes) {
  std::ofstream stream(path, std::ios::binary);
  stream.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  REQUIRE(stream.good());
}

struct Failure {
  Code code;
  std::string message;
};

/// What an operation throws, if an OtfError of one line; nullopt when it succeeds.
template <typename Operation>
std::optional<Failure> failureOf(Operation operation) {
  try {
    operation();
  } catch (const OtfError& error) {
    const std::string message = error.what();
    CHECK_MESSAGE(message.find('\n') == std::string::npos, message);
    CHECK_MESSAGE(!message.empty(), codeName(error.code()));
    return Failure{error.code(), message};
  }
  return std::nullopt;
}

/// The operation throws `code`, and its message holds `words`.
template <typename Operation>
void checkFails(Code code, const std::string& words, Operation operation) {
  const std::optional<Failure> failure = failureOf(operation);
  REQUIRE_MESSAGE(failure.has_value(), "expected a failure with: ", words);
  CHECK_MESSAGE(failure->code == code, codeName(failure->code), ": ", failure->message);
  CHECK_MESSAGE(failure->message.find(words) != std::string::npos, failure->message, " lacks: ", words);
}

}  // namespace otf::test
