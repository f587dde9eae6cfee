// What the axes of time and frequency of a cube say.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "reconstruct/output_header.h"
#include "reconstruct/tests/fixtures.h"
#include "sky/units.h"

using namespace otf;
using test::Header;
using test::TemporaryFolder;

namespace {

constexpr int kFrames = 20;

struct Files {
  TemporaryFolder folder;

  CubeInfo read(const Header& header, int bands = 1, int band = 0) {
    const std::string path = folder / "cube.fits";
    FitsImageWriter writer(path, 16, 16, header.keys,
                           bands > 1 ? std::vector<int64_t>{kFrames, bands} : std::vector<int64_t>{kFrames});
    const std::vector<float> plane(size_t{16} * 16, 1);
    for (int i = 0; i < kFrames * bands; ++i) writer.writeRows(plane.data(), 16);
    writer.finish();
    return CubeReader::open({{path, "c"}}, band).info();
  }
  double stepS(const Header& header) {
    const CubeInfo info = read(header);
    return (info.timesMjd[1] - info.timesMjd[0]) * 86400;
  }
  void refused(const Header& header, const char* part, int bands = 1) {
    CHECK_THROWS_WITH_AS(read(header, bands), doctest::Contains(part), OtfError);
  }
};

}  // namespace

TEST_CASE("the step of an axis is the diagonal of CD, or of PC times CDELT, in either spelling") {
  Files files;
  const auto step = [&](const Header& header) { return files.stepS(header); };
  CHECK(step(Header()) == doctest::Approx(600));
  CHECK(step(Header().asCd().with("CD3_3", 900)) == doctest::Approx(900));
  CHECK(step(Header().asCd().with("CD003003", 900)) == doctest::Approx(900));
  CHECK(step(Header().with("CDELT3", 2).with("PC3_3", 450)) == doctest::Approx(900));
  CHECK(step(Header().with("CDELT3", 2).with("PC003003", 450)) == doctest::Approx(900));
  // A rotation of the sky, and what rounding leaves of it.
  CHECK(step(Header().with("PC1_1", 0.8).with("PC1_2", 0.6).with("PC2_1", -0.6).with("PC2_2", 0.8)) ==
        doctest::Approx(600));
  CHECK(step(Header().with("PC3_1", 1e-17).with("PC1_3", 1e-17)) == doctest::Approx(600));
  CHECK(files.read(Header()).warnings.empty());
}

TEST_CASE("an axis without CD beside others that have it goes by its CDELT, with a warning") {
  Files files;
  const Header header = Header().asCd().with("CDELT3", 700);
  CHECK(files.stepS(header) == doctest::Approx(700));
  const CubeInfo info = files.read(header);
  REQUIRE(info.warnings.size() == 1);
  CHECK(info.warnings[0].find("CD3_3 is missing") != std::string::npos);
}

TEST_CASE("time and frequency that change along other axes are refused") {
  Files files;
  files.refused(Header().with("PC3_1", 0.5), "c: PC3_1 mixes axes");
  files.refused(Header().with("PC1_3", 0.5), "c: PC1_3 mixes axes");
  files.refused(Header().asCd().with("CD3_3", 900).with("CD3_2", 5), "CD3_2 mixes axes");
  files.refused(Header().inMegahertz().with("PC3_4", 0.5), "PC3_4 mixes axes", 2);
}

TEST_CASE("two axes of time, or two of frequency, are refused") {
  Files files;
  const Header times = Header().with("CTYPE4", "UTC").with("CRPIX4", 1).with("CRVAL4", 1).with("CDELT4", 1);
  files.refused(times, "axes 3 and 4 are both time", 2);
  CHECK(files.read(times).frames == kFrames);
}

TEST_CASE("frequencies are in Hz whatever the unit of their axis, and by its matrix") {
  Files files;
  CHECK(files.read(Header().inMegahertz(), 2, 1).frequencyHz == doctest::Approx(160e6));
  CHECK(files.read(Header().inMegahertz().with("CUNIT4", "GHz"), 2).frequencyHz == doctest::Approx(150e9));
  CHECK(files.read(Header().inMegahertz().without("CUNIT4"), 2).frequencyHz == doctest::Approx(150));
  const Header cd = Header().inMegahertz().asCd().without("CDELT4").with("CD3_3", 600).with("CD4_4", 20);
  CHECK(files.read(cd, 2, 1).frequencyHz == doctest::Approx(170e6));
  files.refused(Header().inMegahertz().with("CUNIT4", "furlong"), "CUNIT4 = furlong is no unit of frequency",
                2);
  files.refused(Header().inMegahertz().with("CUNIT4", "m"), "CUNIT4 = m is no unit of frequency", 2);
  files.refused(Header().inMegahertz().with("CTYPE4", "FREQ-LOG"), "evenly spaced in frequency", 2);
  CHECK(files.read(Header().with("RESTFREQ", 1.4e9)).frequencyHz == 1.4e9);
}

TEST_CASE("a cube that is written is where and when the one it was made of is, whatever its matrix") {
  Files files;
  const auto again = [&](const Header& header, int bands) {
    const CubeInfo from = files.read(header, bands);
    std::vector<double> frequencies;
    for (int b = 0; b < bands; ++b) frequencies.push_back(files.read(header, bands, b).frequencyHz);
    Header written;
    written.keys = cubeKeys(from, 0, frequencies);
    const CubeInfo to = files.read(written, bands, bands - 1);
    CHECK(to.timesMjd.front() == doctest::Approx(from.timesMjd.front()).epsilon(1e-12));
    CHECK(to.timesMjd.back() == doctest::Approx(from.timesMjd.back()).epsilon(1e-12));
    CHECK(to.timeScale == from.timeScale);
    CHECK(to.pixelScaleDeg == doctest::Approx(1e-3).epsilon(1e-4));
    CHECK(to.warnings.empty());
    if (bands > 1) CHECK(to.frequencyHz == doctest::Approx(frequencies.back()));
    return written.keys;
  };
  const auto has = [](const std::vector<FitsKey>& keys, const char* name) {
    return std::any_of(keys.begin(), keys.end(), [&](const FitsKey& key) { return key.name == name; });
  };
  CHECK(has(again(Header(), 1), "CDELT3"));
  const Header cd = Header().inMegahertz().asCd().without("CDELT4").with("CD3_3", 600).with("CD4_4", 20);
  const std::vector<FitsKey> keys = again(cd, 2);
  CHECK(has(keys, "CD3_3"));
  CHECK(has(keys, "CD4_4"));
  CHECK(!has(keys, "CDELT3"));
  const Header old = Header()
                         .without("CDELT1")
                         .without("CDELT2")
                         .without("CDELT3")
                         .with("CD001001", -1e-3)
                         .with("CD002002", 1e-3)
                         .with("CD003003", 600);
  CHECK(has(again(old, 1), "CD003003"));
}

TEST_CASE("a single-epoch image has the frequency of its axis before that of a line at rest") {
  Files files;
  const auto epoch = [&](const char* name, double mjd) {
    const Header header = Header()
                              .with("CTYPE3", "FREQ")
                              .with("CUNIT3", "MHz")
                              .with("CRVAL3", 150)
                              .with("CDELT3", 1)
                              .with("RESTFRQ", 1.42e9)
                              .with("MJD-AVG", mjd);
    const std::vector<float> plane(size_t{16} * 16, 1);
    FitsImageWriter writer(files.folder / name, 16, 16, header.keys, {1});
    writer.writeRows(plane.data(), 16);
    writer.finish();
    return CubeFile{files.folder / name, name};
  };
  CHECK(CubeReader::open({epoch("a.fits", 60000), epoch("b.fits", 60001)}).info().frequencyHz ==
        doctest::Approx(150e6));
}

TEST_CASE("units of axes") {
  CHECK(sky::unitFactor("MHz", "Hz") == 1e6);
  CHECK(sky::unitFactor("MHZ", "Hz") == 1e6);
  CHECK(sky::unitFactor("1/s", "Hz") == 1);
  CHECK(!sky::unitFactor("furlong", "Hz"));
  CHECK(!sky::unitFactor("", "Hz"));
  CHECK(!sky::unitFactor("m", "Hz"));
}
