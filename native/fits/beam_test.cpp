// The beam of a header, good and bad.
#include "fits/beam.h"

#include "fits/test_support.h"

namespace otf {
namespace {

using namespace test;

std::string cards(std::initializer_list<const char*> lines) {
  std::string text;
  for (std::string line : lines) text += line + std::string(80 - line.size(), ' ');
  return text + "END" + std::string(77, ' ');
}

std::optional<Beam> read(const std::string& text, std::vector<std::string>& warnings) {
  return fits::readBeam(text, warnings);
}

TEST_CASE("a complete beam") {
  std::vector<std::string> warnings;
  const auto beam =
      read(cards({"BMAJ    =  2.0D-3 / degrees", "BMIN    = 0.001", "BPA     = -12.5"}), warnings);
  REQUIRE(beam.has_value());
  CHECK(beam->bmajDeg == doctest::Approx(0.002));
  CHECK(beam->bminDeg == doctest::Approx(0.001));
  CHECK(beam->bpaDeg == doctest::Approx(-12.5));
  CHECK(warnings.empty());
}

TEST_CASE("no beam is fine, an undefined value is no beam") {
  std::vector<std::string> warnings;
  CHECK_FALSE(read(cards({"BUNIT   = 'Jy/beam'"}), warnings).has_value());
  CHECK(warnings.empty());
  CHECK_FALSE(read(cards({"BMAJ    =                      / unknown"}), warnings).has_value());
  CHECK(warnings == std::vector<std::string>{"BMAJ has no value: it is taken as absent"});
}

TEST_CASE("a missing minor axis makes a circle, with a warning") {
  std::vector<std::string> warnings;
  const auto beam = read(cards({"BMAJ    = 0.002"}), warnings);
  REQUIRE(beam.has_value());
  CHECK(beam->bminDeg == 0.002);
  CHECK(warnings.size() == 1);
}

TEST_CASE("the last AIPS history line counts when there are no keywords") {
  std::vector<std::string> warnings;
  const auto beam = read(cards({"HISTORY AIPS   CLEAN BMAJ=  9.0000E-03 BMIN=  9.0000E-03 BPA=   0.00",
                                "HISTORY AIPS   CLEAN BMAJ=  1.7000E-03 BMIN=  1.6000E-03 BPA=   4.10"}),
                         warnings);
  REQUIRE(beam.has_value());
  CHECK(beam->bmajDeg == doctest::Approx(1.7e-3));
  CHECK(beam->bpaDeg == doctest::Approx(4.1));
}

TEST_CASE("cards that are no beam are left out, with a warning that names them") {
  const auto leftOut = [](const char* words, std::initializer_list<const char*> lines) {
    std::vector<std::string> warnings;
    CHECK_FALSE(read(cards(lines), warnings).has_value());
    REQUIRE(warnings.size() == 1);
    CHECK_MESSAGE(warnings[0].find(words) != std::string::npos, warnings[0]);
  };
  leftOut("BMAJ = NaN is not a number", {"BMAJ    = NaN", "BMIN    = 0.001"});
  leftOut("BMIN = inf is not a number", {"BMAJ    = 0.002", "BMIN    = inf"});
  leftOut("BMAJ = wide is not a number", {"BMAJ    = 'wide'"});
  leftOut("BPA = 1 2 is not a number", {"BMAJ    = 0.002", "BMIN    = 0.002", "BPA     = 1 2"});
  leftOut("is no beam", {"BMAJ    = -0.002", "BMIN    = 0.001", "BPA     = 0"});
  leftOut("is no beam", {"BMAJ    = 0.002", "BMIN    = -0.001", "BPA     = 0"});
  leftOut("is no beam", {"BMAJ    = 0.001", "BMIN    = 0.002", "BPA     = 0"});
  leftOut("is no beam", {"BMAJ    = 0", "BMIN    = 0"});
  leftOut("BMIN without BMAJ", {"BMIN    = 0.002"});
}

TEST_CASE("a beam of AIPS that is none is left out too") {
  std::vector<std::string> warnings;
  CHECK_FALSE(read(cards({"HISTORY AIPS   CLEAN BMAJ=  0.0000E+00 BMIN=  0.0000E+00 BPA=   0.00"}), warnings)
                  .has_value());
  REQUIRE(warnings.size() == 2);
  CHECK(warnings[1].find("is no beam") != std::string::npos);
}

TEST_CASE("every spelling of a number that CFITSIO reads is read") {
  for (const char* line :
       {"BMAJ    =2.0D-3", "BMAJ    = '0.002'", "bmaj    = 0.002", "BMAJ = 2.d-3", "BMAJ    = +.2E-2 / x"}) {
    std::vector<std::string> warnings;
    const auto beam = read(cards({line, "BMIN    = 0.002"}), warnings);
    REQUIRE_MESSAGE(beam.has_value(), line);
    CHECK(beam->bmajDeg == doctest::Approx(0.002));
  }
}

}  // namespace
}  // namespace otf
