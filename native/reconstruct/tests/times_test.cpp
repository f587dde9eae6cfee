// Keywords and tables that say when frames were.
// Source: FITS Standard 4.0, section 9; VOTable 1.4, section 3.2.
#include <doctest/doctest.h>

#include <cmath>
#include <fstream>
#include <string>
#include <vector>

#include "reconstruct/tests/fixtures.h"
#include "reconstruct/time_keys.h"

using namespace otf;
using test::Header;
using test::TemporaryFolder;

namespace {

constexpr int kFrames = 4;

struct Files {
  TemporaryFolder folder;
  std::vector<float> plane = std::vector<float>(size_t{16} * 16, 1);

  CubeFile cube(const Header& header) {
    FitsImageWriter writer(folder / "cube.fits", 16, 16, header.keys, {kFrames});
    for (int t = 0; t < kFrames; ++t) writer.writeRows(plane.data(), 16);
    writer.finish();
    return {folder / "cube.fits", "c"};
  }
  CubeInfo read(const Header& header) { return CubeReader::open({cube(header)}).info(); }
  /// Times of two images, the second a day later.
  CubeInfo epochs(const Header& first, const Header& second) {
    std::vector<CubeFile> files;
    for (const Header* header : {&first, &second}) {
      const std::string name = std::to_string(files.size()) + ".fits";
      Header image = *header;
      for (const char* key : {"CTYPE3", "CUNIT3", "CRPIX3", "CRVAL3", "CDELT3"}) image.without(key);
      writeFitsImage(folder / name, 16, 16, image.keys, plane.data());
      files.push_back({folder / name, name});
    }
    return CubeReader::open(files).info();
  }
};

double firstS(const CubeInfo& info) { return (info.timesMjd[0] - 60000) * 86400; }

}  // namespace

TEST_CASE("the scale of times is the axis' own, else TIMESYS, by its name of today") {
  Files files;
  CHECK(files.read(Header().without("TIMESYS")).timeScale == "UTC");
  CHECK(files.read(Header().without("TIMESYS").with("CTYPE3", "TT")).timeScale == "TT");
  CHECK(files.read(Header().with("CTYPE3", "TDB")).timeScale == "TDB");
  CHECK(files.read(Header().with("CTYPE3", "TT(BIPM08)")).timeScale == "TT");
  CHECK(files.read(Header().with("TIMESYS", "utc")).timeScale == "UTC");
  CHECK(timeScaleName("TT(TAI)") == "TT");
  CHECK(timeScaleName("IAT") == "TAI");
  CHECK(timeScaleName("TDT") == "TT");
  CHECK(timeScaleName("ET") == "TT");
  CHECK(timeScaleName("GMT") == "UTC");
  CHECK(timeScaleName("UT1") == "UT1");
}

TEST_CASE("TIMEUNIT is the unit of an axis without one and of XPOSURE, not of EXPTIME") {
  Files files;
  const Header days = Header().with("TIMEUNIT", "d").with("CRVAL3", 0.5).with("CDELT3", 2);
  const CubeInfo info = files.read(Header(days).without("CUNIT3").with("XPOSURE", 0.25));
  CHECK(firstS(info) == doctest::Approx(43200));
  CHECK(info.timesMjd[1] - info.timesMjd[0] == doctest::Approx(2));
  CHECK(info.exposuresS[0] == 21600);
  CHECK(firstS(files.read(days)) == doctest::Approx(0.5).epsilon(1e-4));
  CHECK(files.read(Header(days).with("EXPTIME", 90)).exposuresS[0] == 90);
  CHECK(files.read(Header().with("XPOSURE", 90)).exposuresS[0] == 90);
}

TEST_CASE("times count from the reference in one part or two, by precedence, with TIMEOFFS") {
  const auto reference = [](const Header& header) {
    const TemporaryFolder folder;
    const std::vector<float> plane(16, 1);
    writeFitsImage(folder / "r.fits", 4, 4, header.keys, plane.data());
    return referenceMjd("r", FitsImage::open(folder / "r.fits").info().cards);
  };
  const Header none = Header().without("MJDREF");
  CHECK(std::isnan(reference(none)));
  CHECK(reference(Header(none).with("JDREFI", 2460000).with("JDREFF", 0.5)) == 60000);
  CHECK(reference(Header(none).with("JDREF", 2460000.5)) == 60000);
  CHECK(reference(Header(none).with("MJDREFI", 60000).with("MJDREFF", 0.25)) == 60000.25);
  CHECK(reference(Header(none).with("MJDREFI", 60000)) == 60000);
  CHECK(reference(Header().with("MJDREFI", 59000)) == 60000);
  CHECK(reference(Header().with("MJDREFI", 59000).with("MJDREFF", 0.5)) == 59000.5);
  CHECK(reference(Header().with("JDREF", 2450000.5)) == 60000);
  CHECK(reference(Header(none).with("JDREF", 2460000.5).with("DATEREF", "2000-01-01")) == 60000);
  CHECK(reference(Header(none).with("DATEREF", "2023-02-25T12:00:00")) == 60000.5);
  CHECK(reference(Header().with("TIMEOFFS", 43200)) == 60000.5);
  CHECK(reference(Header().with("TIMEOFFS", 0.5).with("TIMEUNIT", "d")) == 60000.5);
  CHECK_THROWS_WITH_AS(reference(Header(none).with("DATEREF", "25/02/23")),
                       doctest::Contains("r: DATEREF = 25/02/23 is no date"), OtfError);
}

TEST_CASE("a date is read as a whole: a blank is a T, what follows is no date") {
  CHECK(mjdOfDate("2023-02-25 12:00:00") == 60000.5);
  CHECK(mjdOfDate("2023-02-25T12:00") == 60000.5);
  CHECK(mjdOfDate("2023-02-25T12:00:00.5") == doctest::Approx(60000.5 + 0.5 / 86400).epsilon(1e-13));
  CHECK(mjdOfDate("2023-02-25T12:00:00Z") == 60000.5);
  for (const char* bad :
       {"2023-02-25T", "2023-02-25T12", "2023-02-25_12:00:00", "2023-02-25T12:00:00+01:00",
        "2023-02-25T12:00:", "2023-02-25 noon", "2023-02-25Z", "2023-02-25T12:00:61", "2023-02"})
    CHECK_MESSAGE(std::isnan(mjdOfDate(bad)), std::string(bad));
}

TEST_CASE("DATE-OBS without a time of day has that of TIME-OBS; what is no date is refused") {
  Files files;
  const auto at = [](const char* date, const char* time) {
    Header header = Header().with("DATE-OBS", date).with("EXPTIME", 0.0);
    return time ? header.with("TIME-OBS", time) : header;
  };
  CHECK(files.epochs(at("2023-02-25", "12:00:00"), at("2023-02-26", "18:00:00")).timesMjd ==
        std::vector<double>{60000.5, 60001.75});
  CHECK(files.epochs(at("2023-02-25 06:00:00", nullptr), at("2023-02-26T18:00:00", "01:00:00")).timesMjd ==
        std::vector<double>{60000.25, 60001.75});
  CHECK_THROWS_WITH_AS(files.epochs(at("2023-02-25 noon", nullptr), at("2023-02-26", nullptr)),
                       doctest::Contains("0.fits: DATE-OBS = 2023-02-25 noon is no date"), OtfError);
  // In one scale, however it is spelt.
  const Header small = at("2023-02-25", nullptr).with("TIMESYS", "utc");
  CHECK(files.epochs(small, at("2023-02-26", nullptr)).timeScale == "UTC");
}

TEST_CASE("times of a VOTable count from the origin of its TIMESYS, on its scale") {
  Files files;
  const CubeFile cube = files.cube(Header());
  const auto read = [&](const std::string& system, const std::string& field, double first) {
    std::ofstream table(files.folder / "times.vot");
    table
        << R"(<?xml version="1.0"?><VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3"><RESOURCE>)"
        << "<TIMESYS ID=\"t\" " << system
        << " refposition=\"UNKNOWN\"/><TABLE><FIELD name=\"TIME\" datatype=\"double\" " << field
        << "/><DATA><TABLEDATA>";
    table.precision(15);
    for (int t = 0; t < kFrames; ++t) table << "<TR><TD>" << first + t << "</TD></TR>";
    table << "</TABLEDATA></DATA></TABLE></RESOURCE></VOTABLE>";
    table.close();
    return CubeReader::open({cube}, 0, CubeFile{files.folder / "times.vot", "v"}).info();
  };
  const char* const days = R"(unit="d" ref="t")";
  const CubeInfo mjd = read(R"(timeorigin="MJD-origin" timescale="TDB")", days, 60000);
  CHECK(mjd.timeScale == "TDB");
  CHECK(mjd.timesMjd[1] == 60001);
  CHECK(read(R"(timeorigin="JD-origin" timescale="TT")", days, 2460000).timesMjd[0] == 59999.5);
  CHECK(read(R"(timeorigin="2400000.0" timescale="TT")", days, 60000).timesMjd[0] == 59999.5);
  const CubeInfo late = read(R"(timeorigin="2459000.5" timescale="UNKNOWN")", days, 10);
  CHECK(late.timesMjd[0] == 59010);
  CHECK(late.timeScale == "UTC");
  CHECK(read(R"(timeorigin="2459000.5" timescale="UTC")", R"(unit="s" ref="t")", 86400).timesMjd[0] == 59001);
  // One that the column does not refer to is not its own.
  CHECK(read(R"(timeorigin="2459000.5" timescale="TDB")", R"(unit="d")", 60000).timesMjd[0] == 60000);
  CHECK_THROWS_WITH_AS(read(R"(timeorigin="yesterday" timescale="TT")", days, 1),
                       doctest::Contains("v: timeorigin yesterday is not known"), OtfError);
}

TEST_CASE("the scale of a column of a FITS table is its own, else that of the table, else the cube's") {
  Files files;
  const auto read = [&](const std::vector<FitsKey>& keys) {
    const FitsColumn time{"TIME", "d", "", "", FitsColumn::Type::kDouble, {}, {1, 2, 3, 4}};
    FitsImageWriter writer(files.folder / "t.fits", 16, 16, Header().keys, {kFrames});
    for (int t = 0; t < kFrames; ++t) writer.writeRows(files.plane.data(), 16);
    writer.addTable("TIMES", std::vector{time}, keys);
    writer.finish();
    return CubeReader::open({{files.folder / "t.fits", "c"}}).info();
  };
  CHECK(read({}).timeScale == "UTC");
  CHECK(read({{"TIMESYS", "", "tai", 0, true, false}}).timeScale == "TAI");
  const CubeInfo own = read({{"TCTYP1", "", "TDB", 0, true, false},
                             {"TIMEOFFS", "", "", 86400, false, false},
                             {"MJDREF", "", "", 59000, false, false}});
  CHECK(own.timeScale == "TDB");
  CHECK(own.timesMjd[0] == 59002);
}
