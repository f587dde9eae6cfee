#include <doctest/doctest.h>

#include <string>

#include "coverage/ds9_text.h"
#include "error/error.h"

using namespace otf;
using namespace otf::coverage;

namespace {

std::string refusal(const std::string& text) {
  try {
    readRegions(text, "r.reg");
  } catch (const OtfError& error) {
    CHECK(error.code() == Code::kMaskInvalid);
    return error.what();
  }
  FAIL("was read: ", text);
  return {};
}

}  // namespace

TEST_CASE("a file as DS9 writes it") {
  const RegionFile file = readRegions(
      "# Region file format: DS9 version 4.1\n"
      "global color=green dashlist=8 3 width=1 font=\"helvetica 10 normal; roman\" select=1\n"
      "fk5\n"
      "circle(13:29:52.6,+47:11:42.9,20\") # color=red text={M51; box(1,2,3,4)}\n"
      "-ellipse(202.47d,47.19d,1',30\",45) ; annulus(202.5,47.2,0.01,0.02,0.03)\n"
      "galactic;polygon(104.1,68.5 104.2,68.5, 104.2,68.6)\n"
      "# vector(1,2,3,4) vector=1\n"
      "point(202.4,47.1) # point=x\n"
      "image\n"
      "BOX(100,200.5,30,40,15) ||\n"
      "box 1 2 3 4 5 6 90 # color=blue; circle(7,8,9)\n",
      "r.reg");
  REQUIRE(file.shapes.size() == 7);
  CHECK(file.withoutArea == 1);
  const auto& m51 = file.shapes[0];
  CHECK(m51.frame == RegionFrame::kFk5);
  CHECK(m51.points[0].first == doctest::Approx(202.4691666667));
  CHECK(m51.points[0].second == doctest::Approx(47.19525));
  CHECK(m51.sizes[0].first == doctest::Approx(20.0 / 3600));
  CHECK(file.shapes[1].isExcluded);
  CHECK(file.shapes[1].sizes[0] == std::pair(1.0 / 60, 30.0 / 3600));
  CHECK(file.shapes[1].angleDeg == 45);
  CHECK(file.shapes[2].sizes.front().first == 0.01);
  CHECK(file.shapes[2].sizes.back().first == 0.03);
  CHECK(file.shapes[3].frame == RegionFrame::kGalactic);
  CHECK(file.shapes[3].points.size() == 3);
  CHECK(file.shapes[4].frame == RegionFrame::kImage);
  CHECK(file.shapes[4].line == 10);
  CHECK(file.shapes[5].sizes.size() == 2);
  CHECK(file.shapes[5].angleDeg == 90);
  CHECK(file.shapes[6].points[0] == std::pair(7.0, 8.0));  // behind a comment's semicolon
}

TEST_CASE("angles in every spelling") {
  const RegionFile file = readRegions(
      "icrs;circle(1h30m0s,-0:30:00,1);circle(22.5,-0.5d,1)\n"
      "galactic;circle(22:30:00,-0d30m0s,1)\n"
      "icrs;circle(0.39269908169872414r,-0.5,1)",
      "r.reg");
  REQUIRE(file.shapes.size() == 4);
  for (const RegionShape& shape : file.shapes) {
    CHECK(shape.points[0].first == doctest::Approx(22.5));
    CHECK(shape.points[0].second == doctest::Approx(-0.5));
  }
}

TEST_CASE("what is not understood is told with its line, never passed over") {
  CHECK(refusal("icrs\ncircle(1,2)").find("r.reg: line 2") != std::string::npos);
  for (const char* text : {"panda(1,2,0,90,1,3,4,1)",
                           "ecliptic;circle(1,2,3)",
                           "circle(1,2,3",
                           "circle(1,2,x)",
                           "circle(1,2,-3)",
                           "circle(1,2,3) && box(1,2,3,4)",
                           "image;circle(1,2,3\")",
                           "icrs;circle(1,2,3i)",
                           "icrs;circle(1,91,3)",
                           "circle(nan,2,3)",
                           "circle(inf,2,3)",
                           "circle(1e300,2,3)",
                           "polygon(1,2,3,4)",
                           "polygon(1,2,3,4,5)",
                           "annulus(1,2,5,4)",
                           "icrs;circle(1:60:00,2,3)",
                           "icrs;circle(1:2:3:4,2,3)",
                           "circle(1,2,3q)",
                           "fk5 circle(1,2,3)",
                           "wcs;circle(1,2,3)",
                           "<xml/>",
                           "image;ellipse(1,2,3)"}) {
    CAPTURE(text);
    refusal(text);
  }
}

TEST_CASE("as many shapes and corners as are allowed, and no more") {
  std::string text = "image\n";
  for (size_t i = 0; i < kMostShapes; ++i) text += "circle(1,2,3)\n";
  CHECK(readRegions(text, "r.reg").shapes.size() == kMostShapes);
  CHECK(refusal(text + "circle(1,2,3)").find("10000 shapes") != std::string::npos);
  std::string corners = "polygon(";
  for (size_t i = 0; i <= kMostCorners; ++i) corners += "1,2,";
  refusal(corners + "1,2)");
  refusal("circle(" + std::string(10'000'000, ',') + "1");
}
