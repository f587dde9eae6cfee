#include "detect/tests/fixtures.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cmath>
#include <fstream>
#include <sstream>

namespace otf::test {

std::string readText(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  REQUIRE_MESSAGE(in, "cannot open " << path);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

std::string fixture(const std::string& name) { return std::string(OTF_FIXTURES) + "/detection/" + name; }

std::vector<Row> readCsv(const std::string& path) {
  std::istringstream in(readText(path));
  std::string line, cell;
  std::getline(in, line);
  std::vector<std::string> names;
  for (std::istringstream cells(line); std::getline(cells, cell, ',');) names.push_back(cell);
  std::vector<Row> rows;
  while (std::getline(in, line)) {
    Row row;
    std::istringstream cells(line);
    for (const std::string& name : names) {
      REQUIRE(std::getline(cells, cell, ','));
      row[name] = std::stod(cell);
    }
    rows.push_back(row);
  }
  return rows;
}

std::vector<double> jsonNumbers(const std::string& text, const std::string& key) {
  const size_t at = text.find("\"" + key + "\":");
  REQUIRE_MESSAGE(at != std::string::npos, key);
  const char* p = text.c_str() + at + key.size() + 3;
  while (*p == ' ' || *p == '\n') ++p;
  const bool list = *p == '[';
  if (list) ++p;
  std::vector<double> numbers;
  while (true) {
    char* end = nullptr;
    numbers.push_back(std::strtod(p, &end));
    REQUIRE(end != p);
    p = end;
    while (*p == ' ' || *p == '\n') ++p;
    if (!list || *p != ',') return numbers;
    ++p;
  }
}

DetectorConfig demoConfig() {
  using Scale = ParameterSpec::Scale;
  DetectorConfig config;
  config.normalise = {
      {NormaliseKind::kClip, 4e-7, 4e-5}, {NormaliseKind::kRescale}, {NormaliseKind::kTanh, 3}};
  config.objectnessThreshold = {0.62F, 0.60F, 0.65F, 0.65F, 0.95F};
  config.firstIou = {-0.1F, -0.2F, -0.3F, -0.5F};
  config.firstObjectness = {1.01F, 0.9F, 0.7F, 0.4F};
  config.parameters = {{Scale::kLog, "flux", std::log(0.002), std::log(1.9e-6)},
                       {Scale::kLog, "bmaj", std::log(60), std::log(0.9)},
                       {Scale::kLog, "bmin", std::log(30), std::log(0.3)},
                       {Scale::kCos, "cos", 1, 0},
                       {Scale::kSin, "sin", 1, 0}};
  return config;
}

YoloHead demoHead() {
  YoloHead head;
  head.boxes = 5;
  head.parameters = 5;
  head.priors = {{6, 6, 1}, {6, 6, 1}, {12, 9, 1}, {9, 12, 1}, {24, 24, 1}};
  return head;
}

std::shared_ptr<Network> shapeOnlyNetwork(int channels) {
  auto network = std::make_shared<Network>();
  network->trained = {{256, 256, 1}, channels};
  ConvLayer conv;
  conv.yolo = demoHead();
  conv.filters = conv.yolo.planes();
  conv.size = {16, 16, 1};
  conv.stride = {16, 16, 1};
  conv.trainedInput = {{256, 256, 1}, channels};
  conv.activation.kind = ActivationKind::kYolo;
  conv.weights.assign(static_cast<size_t>(conv.filters * conv.weightsPerFilter()), 0.0F);
  network->layers.emplace_back(std::move(conv));
  return network;
}

TemporaryFolder::TemporaryFolder() {
  std::string name = (std::filesystem::temp_directory_path() / "otf-detect-XXXXXX").string();
  REQUIRE(mkdtemp(name.data()) != nullptr);
  folder_ = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;  // a test's own rubbish; the system clears its temporary folder too
  std::filesystem::remove_all(folder_, ignored);
}

std::vector<FitsKey> skyKeys(int64_t width, int64_t height) {
  const auto number = [](const char* name, double value) {
    FitsKey key;
    key.name = name;
    key.number = value;
    return key;
  };
  const auto text = [](const char* name, const char* value) {
    FitsKey key;
    key.name = name;
    key.text = value;
    key.isText = true;
    return key;
  };
  return {text("CTYPE1", "RA---TAN"),
          text("CTYPE2", "DEC--TAN"),
          text("CUNIT1", "deg"),
          text("CUNIT2", "deg"),
          number("CRVAL1", 150),
          number("CRVAL2", -30),
          number("CRPIX1", (static_cast<double>(width) + 1) / 2),
          number("CRPIX2", (static_cast<double>(height) + 1) / 2),
          number("CDELT1", -1.0 / 3600),
          number("CDELT2", 1.0 / 3600),
          text("RADESYS", "ICRS")};
}

Code codeOf(const std::function<void()>& work, std::string* message) {
  try {
    work();
  } catch (const OtfError& error) {
    if (message) *message = error.what();
    return error.code();
  }
  FAIL("nothing was thrown");
  return Code::kInternal;
}

}  // namespace otf::test
