// The plain scorer on catalogues small enough to count by hand.
#include "score/plain.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "error/error.h"

namespace otf::score {
namespace {

PlainCatalogue truthOf() {
  PlainCatalogue truth;
  truth.raDeg = {10, 10.01, 10.02, 10.03};
  truth.decDeg = {60, 60, 60, 60};
  truth.flux = {1, 2, 4, 8};
  truth.snr = {3, 10, 20, 40};
  return truth;
}

TEST_CASE("fractions have Wilson's interval of one sigma, and none of nothing") {
  const Fraction half = fractionOf(50, 100);
  CHECK(half.value == 0.5);
  CHECK(half.low == doctest::Approx(0.450249).epsilon(1e-5));
  CHECK(half.high == doctest::Approx(0.549751).epsilon(1e-5));
  CHECK(fractionOf(10, 10).high == doctest::Approx(1));
  CHECK(fractionOf(10, 10).low < 1);
  CHECK(std::isnan(fractionOf(0, 0).value));
}

TEST_CASE("completeness of what is bright enough, purity of everything, residuals with their signs") {
  PlainCatalogue found;
  const double arcsec = 1.0 / 3600;
  // One row on the faint truth, one half an arcsec east of the second (twice that in RA at 60 degrees), one false.
  found.raDeg = {10, 10.01 + arcsec, 11};
  found.decDeg = {60, 60, 60};
  found.flux = {1, 3, 5};
  found.fluxError = {1, 0.5, 1};
  found.rank = {0.2, 0.9, 0.5};
  const PlainResult result = scorePlain(found, truthOf(), {.minSnr = 5, .bins = 3, .thresholds = 3});
  CHECK(result.matches == 2);
  CHECK(result.counted == 3);
  CHECK(result.all.completeness.part == 1);
  CHECK(result.all.completeness.whole == 3);
  CHECK(result.all.purity.part == 2);
  CHECK(result.all.purity.whole == 3);
  CHECK(result.all.ra.count == 1);
  CHECK(result.all.ra.median == doctest::Approx(0.5).epsilon(1e-6));
  CHECK(result.all.dec.median == doctest::Approx(0));
  CHECK(result.all.fluxRatio.median == doctest::Approx(1.5));
  CHECK(result.all.fluxPull.median == doctest::Approx(2));
  REQUIRE(result.bins.size() == 3);
  CHECK(result.bins[0].fluxLow == 1);
  CHECK(result.bins[2].fluxHigh == 8);
  CHECK(result.bins[2].completeness.whole == 2);
  REQUIRE(result.thresholds.size() == 3);
  CHECK(result.thresholds[0].detections == 3);
  CHECK(result.thresholds[2].detections == 1);
  CHECK(result.thresholds[2].purity.value == 1);
}

TEST_CASE("below a threshold a truth is free for another detection") {
  PlainCatalogue found;
  const double arcsec = 1.0 / 3600;
  found.raDeg = {10, 10};
  found.decDeg = {60, 60 + 0.5 * arcsec};
  found.flux = {1, 1};
  found.rank = {0.1, 0.9};
  const PlainResult result = scorePlain(found, truthOf(), {.thresholds = 2});
  CHECK(result.matches == 1);
  REQUIRE(result.thresholds.size() == 2);
  CHECK(result.thresholds[1].purity.value == 1);
}

TEST_CASE("flux densities in different units are refused, an unknown one is told") {
  PlainCatalogue found = truthOf(), truth = truthOf();
  found.fluxUnit = "Jy";
  CHECK(scorePlain(found, truth, {}).warnings.size() == 1);
  truth.fluxUnit = "Jy/beam";
  CHECK_THROWS_AS(scorePlain(found, truth, {}), OtfError);
}

TEST_CASE("truth without peak_snr cannot be cut by it") {
  PlainCatalogue truth = truthOf();
  truth.snr.clear();
  CHECK(scorePlain(truthOf(), truth, {}).counted == 4);
  CHECK_THROWS_WITH_AS(scorePlain(truthOf(), truth, {.minSnr = 5}), doctest::Contains("peak_snr"), OtfError);
}

/// One source at (10, 1) in `angle`, of 4 +- 2.
PlainCatalogue read(const std::string& unit, const std::string& errorUnit, const std::string& angle = "") {
  std::string path = (std::filesystem::temp_directory_path() / "otf-plain-XXXXXX").string();
  const int file = ::mkstemp(path.data());
  REQUIRE(file >= 0);
  ::close(file);
  const std::string unitOfPlace = angle.empty() ? "" : " unit=\"" + angle + "\"";
  std::ofstream(path) << "<VOTABLE><RESOURCE><TABLE>"
                      << R"(<FIELD name="ra" datatype="double")" << unitOfPlace << "/>"
                      << R"(<FIELD name="dec" datatype="double")" << unitOfPlace << "/>"
                      << R"(<FIELD name="flux" datatype="double" unit=")" << unit << R"("/>)"
                      << R"(<FIELD name="flux_err" datatype="double" unit=")" << errorUnit << R"("/>)"
                      << "<DATA><TABLEDATA><TR><TD>10</TD><TD>1</TD><TD>4</TD><TD>2</TD></TR>"
                      << "</TABLEDATA></DATA></TABLE></RESOURCE></VOTABLE>";
  const PlainCatalogue out = readPlain(path, {});
  std::filesystem::remove(path);
  return out;
}

TEST_CASE("positions are read in the unit of angles that the table says") {
  for (const auto& [unit, degrees] :
       {std::pair{"", 1.0}, {"deg", 1.0}, {"arcmin", 1.0 / 60}, {"hourangle", 15.0}}) {
    CAPTURE(unit);
    const PlainCatalogue table = read("Jy", "Jy", unit);
    CHECK(table.raDeg.at(0) == doctest::Approx(10 * degrees));
    CHECK(table.decDeg.at(0) == doctest::Approx(degrees));
  }
  CHECK_THROWS_WITH_AS(read("Jy", "Jy", "pix"),
                       doctest::Contains("ra is in pix, which cannot be turned into deg"), OtfError);
}

TEST_CASE("errors of flux densities are read in their own unit") {
  CHECK(read("Jy", "Jy").fluxError.at(0) == 2);
  CHECK(read("Jy", "mJy").fluxError.at(0) == doctest::Approx(2e-3));
  CHECK(read("mJy", "uJy").fluxError.at(0) == doctest::Approx(2e-6));
  CHECK(read("mJy", "").fluxError.at(0) == doctest::Approx(2e-3));
  CHECK(read("Jy/beam", "Jy/beam").fluxError.at(0) == 2);
  CHECK(read("", "").fluxError.at(0) == 2);
  const PlainCatalogue other = read("Jy", "K");
  CHECK(other.fluxError.empty());
  REQUIRE(other.warnings.size() == 1);
  CHECK(other.warnings[0].find("flux_err is in K") != std::string::npos);
}

}  // namespace
}  // namespace otf::score
