#include "task/pipeline.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "detect/detection_task.h"
#include "detect/tests/fixtures.h"

using namespace otf;

namespace {

const float kNan = std::nanf("");

/// A network of no meaning: each cell holds one box, placed and rated by the pixels of its tile.
void rateCells(int batch, const float* input, float* output) {
  const YoloHead head = test::demoHead();
  const int grid = 16, cells = grid * grid, side = 256;
  std::fill_n(output, int64_t{batch} * head.planes() * cells, 0.0F);
  for (int t = 0; t < batch; ++t, input += side * side, output += head.planes() * cells) {
    for (int cell = 0; cell < cells; ++cell) {
      const int x = cell % grid * 16 + 8, y = cell / grid * 16 + 8;
      const float brightness = input[y * side + x];
      const float edges[6] = {float(x - 4), float(y - 4), 0, float(x + 4), float(y + 4), 0};
      for (int p = 0; p < 6; ++p) output[p * cells + cell] = edges[p];
      output[6 * cells + cell] = output[7 * cells + cell] = brightness;
    }
  }
}

struct Field {
  test::TemporaryFolder folder;
  std::string path = folder.path("field.fits");

  Field(int64_t width, int64_t height, const std::vector<float>& pixels, bool sky = true) {
    const std::vector<FitsKey> keys = sky ? test::skyKeys(width, height) : std::vector<FitsKey>{};
    writeFitsImage(path, width, height, keys, pixels.data());
  }
  std::unique_ptr<DetectionTask> task(DetectorConfig config = test::demoConfig(),
                                      const RegionRequest& roi = {}) const {
    return std::make_unique<DetectionTask>(FitsImage::open(path), roi, std::move(config), test::demoHead());
  }
};

/// Multiples of one unit, distinct in their neighbourhood, so that no two boxes tie.
std::vector<float> randomPixels(int64_t count, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<float> pixels(static_cast<size_t>(count));
  for (float& x : pixels) x = float(random() % 1000000) * 4e-11F;
  return pixels;
}

DetectionResult run(DetectionTask& task, PipelineOptions options = {},
                    const test::FunctionEngine::Forward& forward = rateCells) {
  test::FunctionEngine engine(test::shapeOnlyNetwork(), forward);
  runTileTask(task, engine, options);
  task.finish(threadCount(options.threads));
  return task.result();
}

DetectorConfig plainConfig() {
  DetectorConfig config = test::demoConfig();
  config.normalise = {{NormaliseKind::kClip, 0, 4e-5}, {NormaliseKind::kRescale}};
  config.medianLimit.clear(), config.medianObjectness.clear();
  return config;
}

}  // namespace

TEST_CASE("forward passes are few, full and of nearly equal size") {
  CHECK(planBatches(0, 8).empty());
  CHECK(planBatches(1, 8) == std::vector<int>{1});
  CHECK(planBatches(8, 8) == std::vector<int>{8});
  CHECK(planBatches(9, 8) == std::vector<int>{5, 4});
  CHECK(planBatches(25, 8) == std::vector<int>{7, 6, 6, 6});
  for (int64_t tiles = 1; tiles < 300; ++tiles) {
    for (const int batch : {1, 3, 8, 64}) {
      const std::vector<int> sizes = planBatches(tiles, batch);
      REQUIRE(std::accumulate(sizes.begin(), sizes.end(), int64_t{0}) == tiles);
      REQUIRE(int64_t(sizes.size()) == (tiles + batch - 1) / batch);
      REQUIRE(sizes.front() <= batch);
      REQUIRE(sizes.front() - sizes.back() <= 1);
      REQUIRE(sizes.back() >= 1);
    }
  }
}

TEST_CASE("any order of batches, slots and threads gives one result") {
  const Field field(1000, 700, randomPixels(700000, 51));
  const auto reference = field.task(plainConfig());
  const DetectionResult expected = run(*reference, {.batch = 1, .slots = 1, .threads = 1});
  CHECK(expected.sources.size() > 50);
  for (int trial = 0; trial < 12; ++trial) {
    const auto task = field.task(plainConfig());
    const DetectionResult result =
        run(*task, {.batch = 1 + trial % 7, .slots = 1 + trial % 4, .threads = 1 + trial % 3});
    REQUIRE(result.sources.size() == expected.sources.size());
    for (size_t i = 0; i < result.sources.size(); ++i) {
      REQUIRE(result.sources[i].x == expected.sources[i].x);
      REQUIRE(result.sources[i].y == expected.sources[i].y);
      REQUIRE(result.sources[i].objectness == expected.sources[i].objectness);
    }
  }
}

TEST_CASE("preparing and finishing may be two tasks on the same image") {
  const Field field(600, 300, randomPixels(180000, 52));
  const auto whole = field.task(plainConfig());
  const DetectionResult expected = run(*whole);
  const auto prepare = field.task(plainConfig()), finish = field.task(plainConfig());
  const auto count = static_cast<size_t>(prepare->items());
  std::vector<float> tiles(count * 256 * 256), output(count * 65 * 256);
  prepare->fill(0, int(prepare->items()), tiles.data());
  rateCells(int(prepare->items()), tiles.data(), output.data());
  CHECK(test::codeOf([&] { finish->finish(1); }) == Code::kInternal);  // nothing consumed yet
  for (int64_t tile = finish->items() - 1; tile >= 0; --tile) {
    finish->consume(tile, 1, tiles.data() + tile * 65536, output.data() + tile * 65 * 256);
  }
  finish->finish(1);
  const DetectionResult& result = finish->result();
  CHECK(result.sources.size() == expected.sources.size());
  CHECK(test::codeOf([&] { finish->finish(1); }) == Code::kInternal);  // only once
}

TEST_CASE("a region gives positions of the whole image, and pixels around it stay out") {
  std::vector<float> pixels(600 * 400, 1e-9F);
  pixels[size_t(150 * 600 + 300)] = 3e-5F;  // inside the region
  pixels[size_t(150 * 600 + 450)] = 4e-5F;  // beside it
  const Field field(600, 400, pixels);
  const auto bright = [](int batch, const float* input, float* output) {
    rateCells(batch, input, output);
    // Put cell 0's box of each tile on the brightest pixel.
    for (int t = 0; t < batch; ++t) {
      const float* tile = input + t * 65536;
      const int64_t at = std::max_element(tile, tile + 65536) - tile;
      float* out = output + t * 65 * 256;
      out[0] = float(at % 256) + 0.5F - 4, out[1 * 256] = float(at / 256) + 0.5F - 4;
      out[3 * 256] = out[0] + 8, out[4 * 256] = out[256] + 8;
      out[6 * 256] = out[7 * 256] = 0.99F;
    }
  };
  const auto task = field.task(plainConfig(), Region{250, 100, 100, 120});
  const DetectionResult result = run(*task, {}, bright);
  REQUIRE(result.sources.size() == 1);
  CHECK(result.sources[0].x == 300);
  CHECK(result.sources[0].y == 150);
  CHECK(result.pixels.pixels == 12000);
  // CDELT1 = -1 arcsec: pixel 300 is half a pixel beyond the centre at 299.5.
  CHECK(result.sources[0].raDeg ==
        doctest::Approx(150 - 0.5 / 3600 / std::cos(30 * M_PI / 180)).epsilon(1e-6));
}

TEST_CASE("blank images are refused with their reason, partly blank ones are searched") {
  std::string message;
  const auto code = [&](const std::vector<float>& pixels, DetectorConfig config = plainConfig()) {
    const Field field(300, 300, pixels);
    const auto task = field.task(std::move(config));
    return test::codeOf([&] { run(*task); }, &message);
  };
  CHECK(code(std::vector<float>(90000, kNan)) == Code::kImageBlank);
  CHECK(message.find("NaN") != std::string::npos);
  CHECK(code(std::vector<float>(90000, 0.0F)) == Code::kImageBlank);
  CHECK(message.find("zero") != std::string::npos);
  std::vector<float> mixed(90000, 0.0F);
  std::fill_n(mixed.begin(), 40000, kNan);
  CHECK(code(mixed) == Code::kImageBlank);
  DetectorConfig percentile = plainConfig();
  percentile.normalise[0] = {NormaliseKind::kClipPercentile, 1, 99};
  CHECK(code(std::vector<float>(90000, kNan), percentile) == Code::kImageBlank);

  std::vector<float> partly = randomPixels(90000, 53);
  std::fill_n(partly.begin(), 40000, kNan);
  const Field field(300, 300, partly);
  const auto task = field.task(plainConfig());
  const DetectionResult result = run(*task);
  CHECK(result.pixels.blanked == 40000);
  CHECK(!result.sources.empty());
  for (const Source& source : result.sources) CHECK(source.y > 40000 / 300 - 1);
}

TEST_CASE("an image smaller than a tile is padded; one without WCS gives pixel positions and says so") {
  const Field field(20, 11, randomPixels(220, 54), false);
  const auto task = field.task(plainConfig());
  CHECK(task->items() == 1);
  const DetectionResult result = run(*task);
  CHECK(!result.frame);
  REQUIRE(!result.warnings.empty());
  CHECK(result.warnings.front().find("no celestial WCS") != std::string::npos);
  for (const Source& source : result.sources) {
    CHECK(std::isnan(source.raDeg));
    CHECK(std::isnan(source.paDeg));
    CHECK(std::isfinite(source.paPixelDeg));
    CHECK((source.x >= 0 && source.x < 20 && source.y >= 0 && source.y < 11));
  }
  const Field named(40, 40, randomPixels(1600, 55), false);
  CHECK(test::codeOf([&] { named.task(plainConfig(), SkyRegion{{10, 10}, 5, 5}); }) == Code::kRoiOutside);
  CHECK(test::codeOf([&] { named.task(plainConfig(), Region{50, 0, 5, 5}); }) == Code::kRoiOutside);
}

TEST_CASE("sources where the projection has no sky are counted in one warning") {
  const Field field(200, 200, randomPixels(40000, 58));
  const auto warnings = [&] {
    const auto task = field.task(plainConfig());
    const DetectionResult result = run(*task);
    std::vector<std::string> found;
    for (const std::string& line : result.warnings) {
      if (line.find("no sky") != std::string::npos) found.push_back(line);
    }
    if (!found.empty())
      CHECK(found.front().find(std::to_string(result.sources.size()) + " of ") != std::string::npos);
    return found.size();
  };
  CHECK(warnings() == 0);
  std::vector<FitsKey> keys = test::skyKeys(200, 200);
  for (FitsKey& key : keys) {
    if (key.name == "CTYPE1") key.text = "RA---SIN";
    if (key.name == "CTYPE2") key.text = "DEC--SIN";
    if (key.name == "CRPIX1") key.number = -5e7;
  }
  writeFitsImage(field.path, 200, 200, keys, randomPixels(40000, 58).data());
  CHECK(warnings() == 1);
}

TEST_CASE("with a beam image sources have its value there") {
  const Field field(400, 400, randomPixels(160000, 56));
  const test::TemporaryFolder folder;
  const std::string path = folder.path("beam.fits");
  writeFitsImage(path, 200, 200, test::skyKeys(200, 200), std::vector<float>(40000, 0.5F).data());
  const auto task = field.task(plainConfig());
  task->setPrimaryBeam(PrimaryBeam::open(path));
  const DetectionResult result = run(*task);
  size_t inside = 0;
  for (const Source& source : result.sources) {
    const bool covered = std::abs(source.x - 199.5) < 95 && std::abs(source.y - 199.5) < 95;
    if (!covered) continue;
    ++inside;
    CHECK(source.primaryBeam == doctest::Approx(0.5));
  }
  CHECK(inside > 0);
  const auto outside = [](const Source& s) { return s.x < 90 || s.y < 90; };
  CHECK(std::any_of(result.sources.begin(), result.sources.end(), outside));
  for (const Source& source : result.sources) {
    if (outside(source)) CHECK(std::isnan(source.primaryBeam));
  }
}

TEST_CASE("a failure in any stage stops the others and comes out once") {
  const Field field(900, 900, randomPixels(810000, 57));
  for (const int failing : {0, 1, 3}) {
    const auto task = field.task(plainConfig());
    int passes = 0;
    const auto forward = [&](int batch, const float* input, float* output) {
      if (passes++ == failing) throw OtfError(Code::kEngineFailed, "the library said no");
      rateCells(batch, input, output);
    };
    CHECK(test::codeOf([&] { run(*task, {.batch = 2, .slots = 2, .threads = 2}, forward); }) ==
          Code::kEngineFailed);
    CHECK(passes == failing + 1);
  }
  const auto task = field.task(plainConfig());
  const auto progress = [](int64_t done, int64_t) {
    if (done > 4) throw std::runtime_error("the terminal went away");
  };
  CHECK_THROWS_AS(run(*task, {.batch = 2, .progress = progress}), std::runtime_error);
}

TEST_CASE("cancelling stops between forward passes") {
  const Field field(900, 900, randomPixels(810000, 58));
  const auto task = field.task(plainConfig());
  int passes = 0;
  const auto forward = [&](int batch, const float* input, float* output) {
    rateCells(batch, input, output);
    if (++passes == 3) task->cancel();
  };
  CHECK(test::codeOf([&] { run(*task, {.batch = 1}, forward); }) == Code::kCancelled);
  CHECK(passes == 3);
}

TEST_CASE("engines and options that do not fit the task are refused before any work") {
  const Field field(300, 300, randomPixels(90000, 59));
  const auto code = [&](const std::shared_ptr<Network>& network, PipelineOptions options = {}) {
    const auto task = field.task(plainConfig());
    test::FunctionEngine engine(network, [](int, const float*, float*) { FAIL("the network was run"); });
    return test::codeOf([&] { runTileTask(*task, engine, options); });
  };
  CHECK(code(test::shapeOnlyNetwork(3)) == Code::kShapeMismatch);
  const auto plain = test::shapeOnlyNetwork();
  std::get<ConvLayer>(plain->layers.back()).activation.kind = ActivationKind::kLinear;
  CHECK(code(plain) == Code::kDetectorConfig);
  const auto otherHead = test::shapeOnlyNetwork();
  auto& conv = std::get<ConvLayer>(otherHead->layers.back());
  conv.yolo.classes = 2;
  conv.filters = conv.yolo.planes();
  conv.weights.assign(size_t(conv.filters * conv.weightsPerFilter()), 0.0F);
  CHECK(code(otherHead) == Code::kDetectorConfig);
  CHECK(code(test::shapeOnlyNetwork(), {.batch = 0}) == Code::kInvalidArgument);
  CHECK(code(test::shapeOnlyNetwork(), {.slots = 0}) == Code::kInvalidArgument);
  CHECK(code(test::shapeOnlyNetwork(), {.threads = -1}) == Code::kInvalidArgument);
}

TEST_CASE("edge rings that drop everything are announced") {
  const Field field(600, 600, randomPixels(360000, 60));
  DetectorConfig config = plainConfig();
  config.dropEdgeTiles = 2;
  const auto task = field.task(config);
  const DetectionResult result = run(*task);
  CHECK(result.sources.empty());
  CHECK(std::any_of(result.warnings.begin(), result.warnings.end(), [](const std::string& line) {
    return line.find("drop_edge_tiles") != std::string::npos;
  }));
}
