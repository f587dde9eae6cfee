// Files known by their SHA-256.
#include "model/named_file.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "error/error.h"
#include "model/architectures.h"
#include "model/calibration.h"
#include "model/network.h"
#include "model/sha256.h"

using namespace otf;

namespace {

std::string sumOf(std::string_view text) { return sha256Hex(std::as_bytes(std::span(text))); }

struct Scratch {
  explicit Scratch(std::string_view name)
      : path(std::filesystem::temp_directory_path() /
             ("otf-named-" + std::to_string(::getpid()) + "-" + std::string(name))) {}
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() { std::filesystem::remove(path); }
  void write(std::string_view text) const { std::ofstream(path, std::ios::binary) << text; }
  std::filesystem::path path;
};

/// The code of what `work` throws, and that its line names the file and both sums.
template <typename Work>
void refused(const Scratch& file, std::string_view found, const std::string& wanted, Work work) {
  try {
    work();
    FAIL("another file was taken");
  } catch (const OtfError& error) {
    const std::string_view line = error.what();
    CAPTURE(line);
    CHECK(codeName(error.code()) == "OTF_MODEL_CHECKSUM");
    for (const std::string& part : {file.path.string(), sumOf(found).substr(0, 12), wanted.substr(0, 12)})
      CHECK(line.find(part) != std::string_view::npos);
  }
}

}  // namespace

TEST_CASE("SHA-256 is FIPS 180-4's, at every length around its blocks") {
  // Source: NIST's examples for SHA-256.
  CHECK(sumOf("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(sumOf("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(sumOf("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  CHECK(sumOf(std::string(1'000'000, 'a')) ==
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  // The sum of the sums of 0 to 200 letters: as sha256sum has it.
  std::string all;
  for (size_t length = 0; length <= 200; ++length) all += sumOf(std::string(length, 'x'));
  CHECK(sumOf(all) == "75013a3fd49991ead9d8a57ea80485c088443c3406a0e8fa003ed57144041eb4");
}

TEST_CASE("a network file that is another by now is refused, its own is read") {
  const Scratch file("network");
  const auto textOf = [](uint64_t seed) {
    const std::vector<std::byte> bytes = writeNetwork(buildArchitecture("demo", seed));
    return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  };
  const std::string one = textOf(1);
  const std::string two = textOf(2);
  file.write(one);
  CHECK(readNetwork(file.path, sumOf(one)).parameterCount() > 0);
  file.write(two);
  refused(file, two, sumOf(one), [&] { readNetwork(file.path, sumOf(one)); });
  file.write("");
  refused(file, "", sumOf(one), [&] { readNetwork(file.path, sumOf(one)); });
  CHECK_THROWS_WITH_AS(readNetwork(file.path.string() + ".none", sumOf(one)),
                       doctest::Contains("No such file"), OtfError);
  CHECK_THROWS_WITH_AS(readNetwork(file.path.parent_path(), sumOf(one)),
                       doctest::Contains("not a regular file"), OtfError);
}

TEST_CASE("so is a calibration") {
  const Scratch file("ranges");
  const Network network = buildArchitecture("demo", 1);
  const auto textOf = [&](int leading) {
    return calibrationText({leading, std::vector<ChannelRanges>(network.layers.size())});
  };
  file.write(textOf(1));
  CHECK(readCalibration(file.path, network, sumOf(textOf(1))).leading == 1);
  file.write(textOf(2));
  CHECK(readCalibration(file.path, network).leading == 2);
  refused(file, textOf(2), sumOf(textOf(1)), [&] { readCalibration(file.path, network, sumOf(textOf(1))); });
}
