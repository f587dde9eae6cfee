// The published numbers: test/fixtures/detection (see its README).
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "detect/detection_task.h"
#include "detect/tests/fixtures.h"
#include "engine/registry/registry.h"
#include "task/pipeline.h"
#include "tensor/npy.h"

using namespace otf;

namespace {

const char* const kFields[] = {"field-230x180", "field-600x500"};

std::unique_ptr<DetectionTask> openField(const std::string& name) {
  return std::make_unique<DetectionTask>(FitsImage::open(test::fixture(name + "/field.fits")),
                                         RegionRequest{}, test::demoConfig(), test::demoHead());
}

bool near(double value, double expected, double relative, double absolute = 0) {
  return std::abs(value - expected) <= absolute + relative * std::abs(expected);
}

/// Position angles are the same modulo 180 degrees.
double angleDifference(double a, double b) { return std::abs(std::remainder(a - b, 180.0)); }

/// catalogue.csv turns pixel angles by 90 degrees flat. North leans by dRA*sin(Dec) beside the reference
/// point at RA 150.1 (SIN projection), which is what the local WCS has to add.
double expectedPaDeg(const test::Row& row) {
  return row.at("pa_iau_deg") + (row.at("ra_deg") - 150.1) * std::sin(row.at("dec_deg") * M_PI / 180);
}

/// `tolerance`: relative, on what the network predicts; positions as DESIGN asks.
bool sameSource(const Source& source, const test::Row& row, double tolerance) {
  return near(source.x + 1, row.at("x_fits"), 0, 0.01) && near(source.y + 1, row.at("y_fits"), 0, 0.01) &&
         near(source.raDeg, row.at("ra_deg"), 0, 2e-6) && near(source.decDeg, row.at("dec_deg"), 0, 2e-6) &&
         near(source.widthPx, row.at("width_pix"), tolerance) &&
         near(source.heightPx, row.at("height_pix"), tolerance) &&
         near(source.probability, row.at("probability"), tolerance) &&
         near(source.objectness, row.at("objectness"), tolerance) && source.prior == row.at("box") &&
         near(source.values[0], row.at("flux_apparent_jy"), 10 * tolerance) &&
         near(source.values[1], row.at("bmaj_arcsec"), 10 * tolerance) &&
         near(source.values[2], row.at("bmin_arcsec"), 10 * tolerance) &&
         angleDifference(source.paPixelDeg, row.at("pa_pixel_deg")) < 1000 * tolerance &&
         angleDifference(source.paDeg, expectedPaDeg(row)) < 1e-4 + 1000 * tolerance && source.paDeg >= 0 &&
         source.paDeg < 180 && source.tile == row.at("tile") && source.cell == row.at("cell");
}

/// How many rows have their source; a match is looked for anywhere, so that one swap of neighbours costs no more.
size_t matched(const DetectionResult& result, const std::vector<test::Row>& rows, double tolerance) {
  return size_t(std::count_if(rows.begin(), rows.end(), [&](const test::Row& row) {
    return std::any_of(result.sources.begin(), result.sources.end(),
                       [&](const Source& source) { return sameSource(source, row, tolerance); });
  }));
}

void checkCounts(const DetectionResult& result, const std::string& name) {
  const std::string json = test::readText(test::fixture(name + "/expected.json"));
  CHECK(result.selected == test::jsonNumbers(json, "selected")[0]);
  CHECK(result.afterFirst == test::jsonNumbers(json, "after_first")[0]);
  CHECK(double(result.sources.size()) == test::jsonNumbers(json, "final")[0]);
}

}  // namespace

TEST_CASE("the demo thresholds of these tests are those of expected.json") {
  for (const std::string name : kFields) {
    const std::string json = test::readText(test::fixture(name + "/expected.json"));
    const DetectorConfig config = test::demoConfig();
    const auto check = [&](const std::vector<float>& ours, const char* key) {
      const std::vector<double> theirs = test::jsonNumbers(json, key);
      REQUIRE(ours.size() == theirs.size());
      for (size_t i = 0; i < ours.size(); ++i) CHECK(ours[i] == float(theirs[i]));
    };
    check(config.objectnessThreshold, "objectness_threshold");
    check(config.medianLimit, "median_limit");
    check(config.medianObjectness, "median_objectness");
    check(config.firstIou, "iou");
    check(config.firstObjectness, "objectness");
    check({config.secondIou}, "second_iou");
    check({config.minBoxPx}, "min_box");
    const char* const limits[] = {"flux_jy", "bmaj_arcsec", "bmin_arcsec"};
    for (size_t i = 0; i < 3; ++i) {
      const std::vector<double> theirs = test::jsonNumbers(json, limits[i]);
      CHECK(config.parameters[i].max == doctest::Approx(theirs[0]).epsilon(1e-12));
      CHECK(config.parameters[i].min == doctest::Approx(theirs[1]).epsilon(1e-12));
    }
  }
}

TEST_CASE("CIANNA's own output becomes the expected catalogue") {
  for (const std::string name : kFields) {
    CAPTURE(name);
    const auto task = openField(name);
    const NpyArray output(test::fixture(name + "/network_output.npy"));
    REQUIRE(output.shape() == std::vector<int64_t>{task->items(), task->outputValues()});
    std::vector<float> tiles(size_t(task->items() * task->layout().tilePixels()));
    task->fill(0, int(task->items()), tiles.data());
    task->consume(0, int(task->items()), tiles.data(), output.data());
    task->finish(2);
    const DetectionResult& result = task->result();

    checkCounts(result, name);
    const std::vector<test::Row> rows = test::readCsv(test::fixture(name + "/catalogue.csv"));
    REQUIRE(result.sources.size() == rows.size());
    size_t inPlace = 0;
    for (size_t i = 0; i < rows.size(); ++i) inPlace += sameSource(result.sources[i], rows[i], 1e-6);
    CHECK(inPlace == rows.size());  // the same order, too
    CHECK(result.frame.has_value());
    CHECK(result.pixels.pixels == task->image().width * task->image().height);
    CHECK(result.pixels.blanked == 0);
    CHECK(result.clipLimits == std::vector<std::pair<double, double>>{{4e-7, 4e-5}});
    for (const Source& source : result.sources) CHECK(std::isnan(source.primaryBeam));
  }
}

TEST_CASE("the pipeline gives the same catalogue however it is cut into batches") {
  const std::string name = "field-600x500";
  const NpyArray output(test::fixture(name + "/network_output.npy"));
  const std::vector<test::Row> rows = test::readCsv(test::fixture(name + "/catalogue.csv"));
  for (const PipelineOptions& options : {PipelineOptions{.batch = 1, .slots = 1, .threads = 1},
                                         PipelineOptions{.batch = 2, .slots = 3, .threads = 3},
                                         PipelineOptions{.batch = 4, .slots = 2, .threads = 2},
                                         PipelineOptions{.batch = 64, .slots = 3, .threads = 0}}) {
    const auto task = openField(name);
    int64_t replayed = 0;
    test::FunctionEngine engine(test::shapeOnlyNetwork(), [&](int batch, const float*, float* to) {
      std::copy_n(output.data() + replayed * output.shape()[1], batch * output.shape()[1], to);
      replayed += batch;
    });
    int64_t lastDone = 0, total = 0;
    PipelineOptions withProgress = options;
    withProgress.progress = [&](int64_t done, int64_t all) {
      CHECK(done > lastDone);
      lastDone = done, total = all;
    };
    runTileTask(*task, engine, withProgress);
    task->finish(2);
    const DetectionResult& result = task->result();
    checkCounts(result, name);
    CHECK(matched(result, rows, 1e-6) == rows.size());
    CHECK(lastDone == 9);
    CHECK(total == 9);
    CHECK(result.seconds.load > 0);
    CHECK(result.seconds.prepare > 0);
    CHECK(result.seconds.select > 0);
  }
}

TEST_CASE("image in, catalogue out, through the real network") {
  const auto network = std::make_shared<const Network>(
      readNetwork(std::string(OTF_FIXTURES) + "/../../models/demo-continuum/weights.dat"));
  EngineOptions engineOptions;
  engineOptions.inputBias = 0.1F;
  const auto engine = createEngine("onednn", network, engineOptions);
  for (const std::string name : kFields) {
    CAPTURE(name);
    DetectionTask task(FitsImage::open(test::fixture(name + "/field.fits")), {}, test::demoConfig(),
                       *network->yolo());
    PipelineOptions options;
    options.batch = 4;
    runTileTask(task, *engine, options);
    task.finish(threadCount(options.threads));
    const DetectionResult& result = task.result();
    checkCounts(result, name);
    const std::vector<test::Row> rows = test::readCsv(test::fixture(name + "/catalogue.csv"));
    CHECK(matched(result, rows, 2e-4) == rows.size());  // sums in another order than CIANNA's
  }
}
