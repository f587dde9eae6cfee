// Whole networks in INT8: against plain sums with the same bytes, and what INT8 needs.
#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "engine/narrow/quantised.h"
#include "engine/onednn/cpu.h"
#include "engine/registry/registry.h"
#include "engine/tests/check.h"
#include "engine/tests/inputs.h"
#include "error/error.h"
#include "model/architectures.h"

using namespace otf;

namespace {

constexpr Extent kExtent{64, 48, 1};
constexpr int kLeading = 4;

std::vector<float> forwarded(Engine& engine, int batch, const std::vector<float>& x) {
  std::vector<float> out(static_cast<size_t>(batch * engine.outputValues(kExtent)));
  engine.forward(kExtent, batch, x.data(), out.data());
  return out;
}

struct Net {
  std::shared_ptr<const Network> network;
  std::vector<float> x;
  std::shared_ptr<Calibration> calibration = std::make_shared<Calibration>();

  /// Calibrated on what it will be given.
  explicit Net(const std::string& name) : network(std::make_shared<Network>(buildArchitecture(name, 3))) {
    x = test::ramp(3 * Shape{kExtent, network->trained.c}.values());
    EngineOptions options = test::twoThreads();
    options.ranges = std::make_shared<RangeNotes>();
    forwarded(*createEngine("onednn", network, options), 3, x);
    calibration->leading = kLeading;
    calibration->layers = options.ranges->ranges();
  }
  std::unique_ptr<Engine> engine(ComputeType type, int threads = 2) const {
    EngineOptions options;
    options.computeType = type;
    options.threads = threads;
    options.rawOutput = true;
    options.calibration = calibration;
    return createEngine("onednn", network, options);
  }
};

/// Bytes and back, as the engine rounds; channels first.
void throughBytes(const ChannelRanges& ranges, std::vector<float>& values) {
  const narrow::Quantised how(ranges.low, ranges.high);
  const size_t map = values.size() / ranges.low.size();
  for (size_t i = 0; i < values.size(); ++i) {
    const size_t c = i / map;
    const float byte = std::nearbyint(std::fma(values[i], how.inverse[c], how.zeros[c]));
    values[i] = (std::clamp(byte, 0.0F, 255.0F) - how.zeros[c]) * how.scale[c];
  }
}

/// Signed bytes and back: one scale for a filter, after those of the source's channels.
void throughBytes(const ChannelRanges& source, ConvLayer& conv) {
  const narrow::Quantised how(source.low, source.high);
  const int64_t each = conv.weightsPerFilter() - 1;
  const int64_t taps = each / conv.channels();
  for (int f = 0; f < conv.filters; ++f) {
    float* const own = conv.weights.data() + f * (each + 1);
    const auto scale = [&](int64_t i) { return how.scale[static_cast<size_t>(i / taps)]; };
    float most = 0;
    for (int64_t i = 0; i < each; ++i) most = std::max(most, std::fabs(own[i] * scale(i)));
    for (int64_t i = 0; i < each && most > 0; ++i)
      own[i] = std::nearbyint(own[i] * scale(i) / (most / 127.0F)) * (most / 127.0F) / scale(i);
  }
}

/// The first item, layer by layer on the plain engine; all in FP32 without `bytes`.
std::vector<float> plainly(const Net& net, bool bytes) {
  Shape shape{kExtent, net.network->trained.c};
  std::vector<float> flow(net.x.begin(), net.x.begin() + shape.values());
  int convolutions = 0;
  const ChannelRanges* source = nullptr;
  for (size_t i = 0; i < net.network->layers.size(); ++i) {
    auto one = std::make_shared<Network>();
    one->trained = shape;
    one->layers = {net.network->layers[i]};
    EngineOptions options = test::twoThreads();
    options.rawOutput = true;
    if (auto* conv = std::get_if<ConvLayer>(&one->layers[0]); conv != nullptr) {
      if (i > 0) options.inputBias = conv->bias;
      if (convolutions++ >= kLeading && bytes) {
        throughBytes(*source, flow);
        throughBytes(*source, *conv);
      }
    }
    const auto engine = createEngine("reference", one, options);
    std::vector<float> out(static_cast<size_t>(engine->outputValues(shape.extent)));
    engine->forward(shape.extent, 1, flow.data(), out.data());
    shape = inferShapes(*one, shape.extent).back().shape;
    flow = std::move(out);
    source = &net.calibration->layers[i];
  }
  return flow;
}

/// Size of the difference over that of `expected`.
double distance(const std::vector<float>& values, const std::vector<float>& expected) {
  double off = 0;
  double all = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    off += std::pow(static_cast<double>(values[i]) - expected[i], 2);
    all += std::pow(static_cast<double>(expected[i]), 2);
  }
  return std::sqrt(off / all);
}

#define NEEDS_BYTES \
  *doctest::skip(!onednn::hasInt8()) * doctest::description("needs a CPU with AVX-512 for INT8 (VNNI)")

}  // namespace

TEST_CASE("ranges are those of what comes out of the layers") {
  const Net net("demo");
  REQUIRE(net.calibration->layers.size() == net.network->layers.size());
  // The first layer's, of all three items.
  auto first = std::make_shared<Network>(*net.network);
  first->layers.resize(1);
  const auto engine = createEngine("reference", first, test::twoThreads());
  const std::vector<float> out = forwarded(*engine, 3, net.x);
  const ChannelRanges& ranges = net.calibration->layers[0];
  const size_t channels = ranges.low.size();
  const size_t map = out.size() / 3 / channels;
  for (size_t c = 0; c < channels; ++c) {
    float low = 0;
    float high = 0;
    for (size_t item = 0; item < 3; ++item) {
      const auto from = out.begin() + static_cast<std::ptrdiff_t>((item * channels + c) * map);
      low = std::min(low, *std::min_element(from, from + static_cast<std::ptrdiff_t>(map)));
      high = std::max(high, *std::max_element(from, from + static_cast<std::ptrdiff_t>(map)));
    }
    CHECK(ranges.low[c] == doctest::Approx(low).epsilon(1e-4));
    CHECK(ranges.high[c] == doctest::Approx(high).epsilon(1e-4));
  }
}

TEST_CASE(
    "a network in INT8 is nearer to plain sums with the same bytes than these are to FP32" NEEDS_BYTES) {
  for (const char* const name : {"demo", "sdc1"}) {
    CAPTURE(name);
    const Net net(name);
    std::vector<float> out = forwarded(*net.engine(ComputeType::kInt8cInt32a), 3, net.x);
    const std::vector<float> bytes = plainly(net, true);
    out.resize(bytes.size());
    const std::vector<float> whole = plainly(net, false);
    const double rounding = distance(bytes, whole);
    CAPTURE(rounding);
    // What is left: the first layers are in BF16 or FP32, and a value that lies between two bytes may fall to either side.
    CHECK(distance(out, bytes) < 0.5 * rounding);
    CHECK(rounding < 0.1);
  }
}

TEST_CASE("a network in INT8 gives the same at every batch and number of threads" NEEDS_BYTES) {
  const Net net("sdc1");
  std::vector<float> first;
  const auto in = static_cast<int64_t>(net.x.size() / 3);
  for (const int threads : {1, 2, 3}) {
    const auto engine = net.engine(ComputeType::kInt8cInt32a, threads);
    CHECK(engine->info().effective == ComputeType::kInt8cInt32a);
    const std::vector<float> together = forwarded(*engine, 3, net.x);
    std::vector<float> apart(together.size());
    for (int n = 0; n < 3; ++n)
      engine->forward(kExtent, 1, net.x.data() + n * in, apart.data() + n * engine->outputValues(kExtent));
    if (first.empty()) first = together;
    CHECK(together == first);
    CHECK(apart == first);
  }
}

TEST_CASE("layers after one that drops values stay out of INT8 in Monte Carlo passes" NEEDS_BYTES) {
  const Net net("sdc1");
  const auto drawn = [&](ComputeType type) {
    const auto engine = net.engine(type);
    const auto count = static_cast<size_t>(engine->outputValues(kExtent));
    std::vector<float> mean(count);
    std::vector<float> deviation(count);
    engine->forwardMonteCarlo(kExtent, 1, 3, 7, net.x.data(), mean.data(), deviation.data());
    return mean;
  };
  CHECK(distance(drawn(ComputeType::kInt8cInt32a), drawn(ComputeType::kBf16cFp32a)) < 0.1);
}

TEST_CASE("INT8 without a calibration is refused where there is INT8, and is FP32 where there is none") {
  EngineOptions options = test::twoThreads();
  options.computeType = ComputeType::kInt8cInt32a;
  if (onednn::hasInt8()) {
    CHECK_THROWS_WITH_AS(createEngine("onednn", test::demo(), options), doctest::Contains("models calibrate"),
                         OtfError);
  } else {
    CHECK(createEngine("onednn", test::demo(), options)->info().effective == ComputeType::kFp32cFp32a);
  }
  CHECK(createEngine("reference", test::demo(), options)->info().effective == ComputeType::kFp32cFp32a);
}

TEST_CASE("ranges are taken in FP32 only" NEEDS_BYTES) {
  EngineOptions options = test::twoThreads();
  options.computeType = ComputeType::kInt8cInt32a;
  options.calibration = std::make_shared<Calibration>();
  options.ranges = std::make_shared<RangeNotes>();
  CHECK_THROWS_AS(createEngine("onednn", test::demo(), options), OtfError);
}
