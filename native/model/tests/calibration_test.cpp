#include "model/calibration.h"

#include <doctest/doctest.h>

#include "error/error.h"
#include "model/architectures.h"

using namespace otf;

namespace {

/// Ranges of the first and third layer.
Calibration some(const Network& network) {
  Calibration calibration{2, std::vector<ChannelRanges>(network.layers.size())};
  for (const size_t layer : {size_t{0}, size_t{2}}) {
    const auto filters = static_cast<size_t>(std::get<ConvLayer>(network.layers[layer]).filters);
    for (size_t c = 0; c < filters; ++c) {
      calibration.layers[layer].low.push_back(-0.1F * static_cast<float>(c));
      calibration.layers[layer].high.push_back(1.0F / (3.0F + static_cast<float>(c)));
    }
  }
  return calibration;
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  return text.replace(text.find(from), from.size(), to);
}

}  // namespace

TEST_CASE("a calibration is read as it was written, exactly") {
  const Network network = buildArchitecture("demo", 1);
  const Calibration calibration = some(network);
  CHECK(parseCalibration(calibrationText(calibration), network) == calibration);
}

TEST_CASE("what is no calibration of the network is refused with its line") {
  const Network network = buildArchitecture("demo", 1);
  const std::string good = calibrationText(some(network));
  const auto refused = [&](const std::string& text, const char* why) {
    CAPTURE(text.substr(0, 120));
    CHECK_THROWS_WITH_AS(parseCalibration(text, network), doctest::Contains(why), OtfError);
  };
  refused("", "line 1 is missing");
  refused("SIMPLE = T\n", "line 1 is not");
  refused(replaced(good, "leading 2", "leading 0"), "line 2 does not say");
  refused(replaced(good, "leading 2", "leading x"), "line 2 does not say");
  refused(replaced(good, "layer 0", "layer 99"), "line 3 is of layer 99");
  refused(replaced(good, "layer 2", "layer 0"), "which the network does not have");
  refused(replaced(good, "-0.1 ", "nan "), "has 'nan' for a number");
  refused(replaced(good, "-0.1 ", "7 "), "is no range");
  refused(replaced(good, "-0.1 ", ""), "ends too soon");
  refused(good.substr(0, good.size() - 4), "is missing");
  const Network other = buildArchitecture("sdc1", 1);
  CHECK_THROWS_AS(parseCalibration(good, other), OtfError);
}

TEST_CASE("a file that is not there is named") {
  CHECK_THROWS_WITH_AS(readCalibration("/nonexistent/ranges.txt", buildArchitecture("demo", 1)),
                       doctest::Contains("/nonexistent/ranges.txt"), OtfError);
}

TEST_CASE("notes of ranges hold all that was seen") {
  RangeNotes notes;
  notes.note(1, {{-1.0F, 0.0F}, {1.0F, 2.0F}});
  notes.note(1, {{-0.5F, -3.0F}, {4.0F, 1.0F}});
  REQUIRE(notes.ranges().size() == 2);
  CHECK(notes.ranges()[0].low.empty());
  CHECK(notes.ranges()[1] == ChannelRanges{{-1.0F, -3.0F}, {4.0F, 2.0F}});
}
