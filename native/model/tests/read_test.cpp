#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>

#include "error/error.h"
#include "model/architectures.h"
#include "model/assembly.h"
#include "model/network.h"

namespace fs = std::filesystem;
using namespace otf;

namespace {

const fs::path kNetworks = fs::path(OTF_FIXTURES) / "networks";

std::vector<std::byte> load(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  std::vector<std::byte> bytes(text.size());
  std::copy_n(reinterpret_cast<const std::byte*>(text.data()), text.size(), bytes.begin());
  return bytes;
}

std::vector<std::byte> bytesOf(const std::string& text) {
  std::vector<std::byte> bytes(text.size());
  std::copy_n(reinterpret_cast<const std::byte*>(text.data()), text.size(), bytes.begin());
  return bytes;
}

std::vector<fs::path> networkFiles() {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(kNetworks)) {
    if (entry.path().extension() == ".dat") files.push_back(entry.path());
  }
  return files;
}

/// The message of the kModelMalformed that parsing must give.
std::string complaint(const std::vector<std::byte>& bytes) {
  try {
    parseNetwork(bytes);
  } catch (const OtfError& error) {
    CHECK(error.code() == Code::kModelMalformed);
    return error.what();
  }
  FAIL("accepted a malformed file");
  return {};
}

void overwrite(std::vector<std::byte>& bytes, size_t at, const void* value, size_t size) {
  std::memcpy(bytes.data() + at, value, size);
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// Byte offsets in conv2d_multichannel_leaky.dat: 16 header, 1 tag, then the conv fields.
constexpr size_t kFilters = 17, kActivation = 17 + 4 + 12 * 4 + 16 + 8, kFirstWeight = kActivation + 40;

}  // namespace

TEST_CASE("all 18 conformance networks are read, and binary ones written back byte for byte") {
  const auto files = networkFiles();
  CHECK(files.size() == 18);
  for (const fs::path& path : files) {
    CAPTURE(path.filename().string());
    const Network network = readNetwork(path);
    CHECK_FALSE(network.layers.empty());
    if (!network.binary) continue;
    const auto original = load(path);
    const auto again = writeNetwork(network);
    REQUIRE(again.size() == original.size());
    // Strings keep garbage after their NUL in the original: compare what they say, that is, the network read again.
    CHECK(writeNetwork(parseNetwork(again)) == again);
  }
}

TEST_CASE("text and binary kinds of one network say the same") {
  const Network text = readNetwork(kNetworks / "text_conv_pool.dat");
  CHECK_FALSE(text.binary);
  const Network binary = parseNetwork(writeNetwork(text));
  CHECK(binary.binary);
  CHECK(writeNetwork(binary) == writeNetwork(text));
}

TEST_CASE("a file cut anywhere is refused with layer and byte offset") {
  for (const char* name : {"yolo_params.dat", "groupnorm.dat", "pool_max_dense_softmax.dat", "conv3d.dat"}) {
    const auto whole = load(kNetworks / name);
    size_t accepted = 0;
    for (size_t size = 0; size < whole.size(); size += size < 400 ? 1 : 97) {
      CAPTURE(name);
      CAPTURE(size);
      const std::vector<std::byte> cut(whole.begin(), whole.begin() + static_cast<ptrdiff_t>(size));
      try {
        parseNetwork(cut);
        ++accepted;  // a cut exactly between two layers is a shorter network
      } catch (const OtfError& error) {
        CHECK(error.code() == Code::kModelMalformed);
        CHECK(contains(error.what(), "byte "));
      }
    }
    CHECK(accepted <= parseNetwork(whole).layers.size());
  }
}

TEST_CASE("a cut text file is refused or a shorter network, never a crash") {
  const auto whole = load(kNetworks / "text_norm.dat");
  for (size_t size = 0; size < whole.size(); size += size < 300 ? 1 : 53) {
    try {
      parseNetwork({whole.data(), size});
    } catch (const OtfError& error) {
      CHECK(error.code() == Code::kModelMalformed);
    }
  }
}

TEST_CASE("faults name the layer, the byte and the reason") {
  const auto good = load(kNetworks / "conv2d_multichannel_leaky.dat");
  auto bad = good;
  const int32_t absurd = 2000000000;
  const int32_t many = 1000000;
  const int32_t negative = -3;
  const float nan = std::numeric_limits<float>::quiet_NaN();

  bad[16] = std::byte{'Z'};
  CHECK(contains(complaint(bad), "layer 1, byte 16: unknown layer tag 90"));

  bad = good;
  overwrite(bad, 0, &negative, 4);
  CHECK(contains(complaint(bad), "header, byte 0"));

  // Sides that are sizes each, but not together (found by fuzzing).
  bad = good;
  const int32_t sides[] = {255, 524299, 65535, 3};
  overwrite(bad, 0, sides, sizeof sides);
  CHECK(contains(complaint(bad), "header, byte 0: input size 255x524299x65535x3"));

  bad = good;
  overwrite(bad, kFilters, &absurd, 4);
  CHECK(contains(complaint(bad), "layer 1 (conv), byte 17: 2000000000 filters"));

  bad = good;
  overwrite(bad, kFilters, &many, 4);
  CHECK(contains(complaint(bad), "weights"));
  CHECK(contains(complaint(bad), "bytes left"));

  // Windows whose product with the filters passes 64 bits (found by fuzzing).
  bad = good;
  const int32_t wide[] = {16384, 16384, 16384};
  overwrite(bad, kFilters, &many, 4);
  overwrite(bad, kFilters + 4, wide, sizeof wide);
  CHECK(contains(complaint(bad), "more than any file holds"));

  bad = good;
  overwrite(bad, kFilters + 4, &negative, 4);
  CHECK(contains(complaint(bad), "window size -3"));

  bad = good;
  overwrite(bad, kActivation, "TANH", 4);
  CHECK(contains(complaint(bad), "unknown activation 'TANH"));

  bad = good;
  overwrite(bad, kFirstWeight + 8, &nan, 4);
  CHECK(contains(complaint(bad),
                 "byte " + std::to_string(kFirstWeight + 8) + ": weight 2 is not a finite number"));

  bad = good;
  const int32_t two = 2;
  overwrite(bad, 12, &two, 4);  // header says 2 channels, the layer 3
  CHECK(contains(complaint(bad), "expects 3 input channels, the layer before gives 2"));

  CHECK(contains(complaint(bytesOf("")), "header, byte 0"));
  CHECK(contains(complaint(bytesOf("8x8x1x1\n")), "no layer"));
  CHECK(contains(complaint(bytesOf("8x8x1x1\nC4f3x3x1.1x1x1s1x1x0p0x0x0ip8x8x1x1idim0.0d0.1bRELU 0.1 nan")),
                 "layer 1 (conv)"));
  CHECK(contains(complaint(bytesOf("8x8x1x1\nQ")), "layer 1, byte 8: unknown layer tag"));
  CHECK(contains(complaint(bytesOf("8x8x1x1\nC999999f9x9x1.1x1x1s1x1x0p0x0x0ip8x8x1x1idim0.0d0.1bRELU 1")),
                 "weights"));
  CHECK(contains(complaint(bytesOf("8x8x1x99999999999999")), "out of range"));
}

TEST_CASE("a convolution after a dense layer that folds its values into more than 64 bits count is refused") {
  Network network;
  network.trained = {{4, 4, 1}, 1};
  DenseLayer dense;
  dense.neurons = 4;
  dense.inputs = 17;
  dense.weights.assign(17 * 5, 0.01F);
  network.layers.emplace_back(dense);
  ConvLayer conv;
  conv.filters = 1;
  conv.stride = {16384, 16384, 16384};
  conv.trainedInput = {{2, 2, 1}, 1};
  conv.weights.assign(2, 0.5F);
  network.layers.emplace_back(conv);
  CHECK(parseNetwork(writeNetwork(network)).layers.size() == 2);
  // The product of these is 2^64 + 4.
  ConvLayer& folding = std::get<ConvLayer>(network.layers.back());
  folding.trainedInput = {{769546, 247385, 17362}, 5581};
  folding.weights.assign(5582, 0.5F);
  CHECK(contains(complaint(writeNetwork(network)),
                 "layer 2 (conv), byte 410: its input shape holds too many values"));
}

TEST_CASE("internal padding that makes an input too large is refused") {
  Network network;
  network.trained = {{262145, 1, 1}, 1};
  ConvLayer conv;
  conv.filters = 1;
  conv.stride = {16384, 1, 1};
  conv.intPadding = {63, 0, 0};
  conv.trainedInput = network.trained;
  conv.weights.assign(2, 0.5F);
  network.layers.emplace_back(conv);
  CHECK(contains(complaint(writeNetwork(network)),
                 "layer 1: its internal padding makes an input of 262145x1x1x1 too large"));
  std::get<ConvLayer>(network.layers.back()).intPadding = {16384, 0, 0};
  CHECK(contains(complaint(writeNetwork(network)), "its internal padding makes"));
  // Sides that fit each, but not together.
  network.trained = {{4097, 4097, 1025}, 1};
  std::get<ConvLayer>(network.layers.back()).trainedInput = network.trained;
  std::get<ConvLayer>(network.layers.back()).stride = {16384, 16384, 16384};
  std::get<ConvLayer>(network.layers.back()).intPadding = {4095, 4095, 4095};
  CHECK(contains(complaint(writeNetwork(network)), "its internal padding makes"));
  std::get<ConvLayer>(network.layers.back()).intPadding = {1, 1, 1};
  CHECK(inferShapes(parseNetwork(writeNetwork(network)), {8193, 1, 1}).back().shape.values() == 2);
}

TEST_CASE("nothing may follow a YOLO layer, and its filters must match its head") {
  const Network network = readNetwork(kNetworks / "yolo_params.dat");
  Network bad = network;
  bad.layers.push_back(bad.layers.back());
  std::get<ConvLayer>(bad.layers.back()).trainedInput.c = std::get<ConvLayer>(bad.layers.back()).filters;
  CHECK(contains(complaint(writeNetwork(bad)), "must be the last"));

  bad = network;
  std::get<ConvLayer>(bad.layers.back()).yolo.parameters += 1;
  CHECK(contains(complaint(writeNetwork(bad)), "filters"));
}

TEST_CASE("activation strings keep CIANNA's defaults") {
  CHECK(parseActivation("RELU")->saturation == 800.0F);
  CHECK(parseActivation("RELU")->leak == 0.05F);
  CHECK(parseActivation("RELU_S20.00_L0.10")->saturation == 20.0F);
  CHECK(parseActivation("RELU_S20.00_L0.10")->leak == 0.1F);
  CHECK(parseActivation("LOGI")->saturation == 6.0F);
  CHECK(parseActivation("LOGI_B2.5")->beta == 2.5F);
  CHECK(parseActivation("YOLO")->kind == ActivationKind::kYolo);
  CHECK_FALSE(parseActivation("SIGM").has_value());
}

TEST_CASE("a saturation too long for two decimals survives writing (found by fuzzing)") {
  Network network = readNetwork(kNetworks / "conv2d_multichannel_leaky.dat");
  auto& conv = std::get<ConvLayer>(network.layers.front());
  conv.activation.saturation = 1e30F;
  conv.activation.leak = 0.25F;
  const Network again = parseNetwork(writeNetwork(network));
  const Activation& activation = std::get<ConvLayer>(again.layers.front()).activation;
  CHECK(activation.saturation == 1e30F);
  CHECK(activation.leak == 0.25F);
}

TEST_CASE("an unreadable file names the path and the reason") {
  try {
    readNetwork("/nonexistent/net.dat");
    FAIL("no error");
  } catch (const OtfError& error) {
    CHECK(error.code() == Code::kModelUnreadable);
    CHECK(contains(error.what(), "/nonexistent/net.dat: No such file"));
  }
  CHECK_THROWS_AS(readNetwork("/tmp"), OtfError);
}
