#include <doctest/doctest.h>

#include <filesystem>
#include <numeric>

#include "error/error.h"
#include "model/architectures.h"
#include "model/network.h"

using namespace otf;

namespace {
const std::filesystem::path kNetworks = std::filesystem::path(OTF_FIXTURES) / "networks";
}

TEST_CASE("the published SDC1 architecture has 17 convolutions and 46 GFLOP at 512x512") {
  const Network network = buildArchitecture("sdc1", 1);
  const auto shapes = inferShapes(network, {512, 512, 1});
  CHECK(shapes.back().shape == Shape{{32, 32, 1}, 117});
  const auto flops = layerFlops(network, {512, 512, 1});
  CHECK(std::accumulate(flops.begin(), flops.end(), 0.0) / 1e9 == doctest::Approx(46.0).epsilon(0.02));
  int convolutions = 0;
  for (const Layer& layer : network.layers) convolutions += std::holds_alternative<ConvLayer>(layer) ? 1 : 0;
  CHECK(convolutions == 17);
  CHECK(network.fullyConvolutional());
  REQUIRE(network.yolo() != nullptr);
  CHECK(network.yolo()->planes() == 117);
}

TEST_CASE("fully convolutional networks take any size their windows fit in") {
  const Network network = buildArchitecture("demo", 1);
  CHECK(inferShapes(network, {256, 256, 1}).back().shape == Shape{{16, 16, 1}, 65});
  CHECK(inferShapes(network, {272, 240, 1}).back().shape == Shape{{17, 15, 1}, 65});
  CHECK_THROWS_AS(inferShapes(network, {1, 1, 1}), OtfError);
  CHECK_THROWS_AS(inferShapes(network, {0, 64, 1}), OtfError);
  CHECK_THROWS_AS(inferShapes(network, {1 << 30, 1 << 30, 1}), OtfError);
}

TEST_CASE("a dense layer binds the input size, and says so") {
  const Network network = readNetwork(kNetworks / "pool_max_dense_softmax.dat");
  CHECK_FALSE(network.fullyConvolutional());
  const auto shapes = inferShapes(network, {28, 28, 1});
  CHECK(shapes.back().flat);
  CHECK(shapes.back().shape.c == 11);
  CHECK_THROWS_WITH_AS(inferShapes(network, {32, 32, 1}), doctest::Contains("dense layer has weights for"),
                       OtfError);
}

TEST_CASE("internal padding and strides follow CIANNA's nb_area_comp") {
  const Network network = readNetwork(kNetworks / "conv2d_internal_padding.dat");
  CHECK(inferShapes(network, {10, 12, 1}).back().shape.values() == 396);
}

TEST_CASE("layers describe themselves") {
  const Network network = buildArchitecture("sdc1", 1);
  CHECK(describeLayer(network.layers[0]) == "conv 5x5x32 padding 2x2 RELU_S800.00_L0.05");
  CHECK(describeLayer(network.layers[15]) == "group norm 4 LIN");
  CHECK(describeLayer(network.layers[16]) == "conv 1x1x2048 RELU_S800.00_L0.05 dropout 0.25");
}

TEST_CASE("random weights depend on the seed alone") {
  CHECK(writeNetwork(buildArchitecture("demo", 7)) == writeNetwork(buildArchitecture("demo", 7)));
  CHECK(writeNetwork(buildArchitecture("demo", 7)) != writeNetwork(buildArchitecture("demo", 8)));
  CHECK_THROWS_WITH_AS(buildArchitecture("vgg", 1), doctest::Contains("sdc1, demo"), OtfError);
}
