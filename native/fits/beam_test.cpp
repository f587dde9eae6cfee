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
  return fits::readBeam(text, "a.fits", warnings);
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
  CHECK_FALSE(read(cards({"BMAJ    =                      / unknown"}), warnings).has_value());
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

TEST_CASE("unusable beams are refused by name") {
  std::vector<std::string> warnings;
  const auto fails = [&](const char* words, std::initializer_list<const char*> lines) {
    const std::string text = cards(lines);
    checkFails(Code::kBeamInvalid, words, [&] { read(text, warnings); });
  };
  fails("BMAJ = NaN is not a number", {"BMAJ    = NaN", "BMIN    = 0.001"});
  fails("BMIN = inf is not a number", {"BMAJ    = 0.002", "BMIN    = inf"});
  fails("BMAJ = 'wide' is not a number", {"BMAJ    = 'wide'"});
  fails("is not a beam", {"BMAJ    = -0.002", "BMIN    = 0.001", "BPA     = 0"});
  fails("is not a beam", {"BMAJ    = 0.002", "BMIN    = -0.001"});
  fails("is not a beam", {"BMAJ    = 0.001", "BMIN    = 0.002"});
  fails("is not a beam", {"BMAJ    = 0", "BMIN    = 0"});
  fails("BMIN without BMAJ", {"BMIN    = 0.002"});
}

}  // namespace
}  // namespace otf
