// Cubes and PSFs that are none, and what is said of them.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "reconstruct/cube_axes.h"
#include "reconstruct/frame_noise.h"
#include "reconstruct/tests/fixtures.h"
#include "reconstruct/time_keys.h"

using namespace otf;
using test::cubeHeader;
using test::TemporaryFolder;
using test::writeCube;

namespace {

std::vector<FitsKey> without(std::vector<FitsKey> keys, const std::string& name) {
  std::erase_if(keys, [&](const FitsKey& key) { return key.name == name; });
  return keys;
}

std::vector<FitsKey> with(std::vector<FitsKey> keys, const std::string& name, double value) {
  keys = without(std::move(keys), name);
  keys.push_back({name, "", "", value, false, false});
  return keys;
}

std::vector<FitsKey> withText(std::vector<FitsKey> keys, const std::string& name, const std::string& value) {
  keys = without(std::move(keys), name);
  keys.push_back({name, "", value, 0, true, false});
  return keys;
}

std::vector<float> noise(size_t count) {
  std::vector<float> out(count);
  uint32_t state = 1;
  for (float& v : out) {
    state = state * 1664525 + 1013904223;
    v = float(state >> 8) / float(1 << 24) - 0.5F;
  }
  return out;
}

std::vector<float> deltas(int64_t side, int frames, int64_t x, int64_t y) {
  std::vector<float> out(size_t(side * side * frames));
  for (int t = 0; t < frames; ++t) out[size_t((t * side + y) * side + x)] = 2;
  return out;
}

struct Input {
  TemporaryFolder folder;
  std::string cube(const std::vector<FitsKey>& keys, int frames = 20, const std::string& name = "cube.fits") {
    writeCube(folder / name, 16, noise(size_t(16 * 16 * frames)), keys);
    return folder / name;
  }
  void cubeRefused(const std::vector<FitsKey>& keys, const char* part, int frames = 20) {
    const std::string path = cube(keys, frames);
    CHECK_THROWS_WITH_AS(CubeReader::open({{path, "c"}}), doctest::Contains(part), OtfError);
  }
};

}  // namespace

TEST_CASE("a cube: its axis of time is read, its unit and reference count") {
  Input input;
  const CubeReader cube = CubeReader::open({{input.cube(cubeHeader(9)), "c"}});
  CHECK(cube.info().frames == 20);
  CHECK(cube.info().timesMjd[0] == doctest::Approx(60000 + 300.0 / 86400).epsilon(1e-12));
  CHECK(cube.info().timesMjd[19] - cube.info().timesMjd[18] == doctest::Approx(600.0 / 86400));
  CHECK(cube.info().timeScale == "UTC");
  CHECK(cube.info().bunit == "Jy/beam");
  std::vector<FitsKey> days = withText(with(cubeHeader(9), "CDELT3", 2), "CUNIT3", "d");
  CHECK(CubeReader::open({{input.cube(days), "c"}}).info().timesMjd[1] - 60000 == doctest::Approx(302));
  CHECK(mjdOfDate("2023-02-25T12:00:00") == 60000.5);
  CHECK(mjdOfDate("2023-02-25") == 60000);
  CHECK(std::isnan(mjdOfDate("yesterday")));
  CHECK(std::isnan(mjdOfDate("2023-13-25")));
}

TEST_CASE("what is no cube is refused in one line that says why") {
  Input input;
  input.cubeRefused(withText(cubeHeader(9), "CTYPE3", "STOKES"), "neither time nor frequency");
  input.cubeRefused(withText(cubeHeader(9), "CTYPE3", "FREQ"), "no axis of time");
  input.cubeRefused(cubeHeader(9), "one frame", 1);
  input.cubeRefused(with(cubeHeader(9), "CDELT3", -600), "frame 2: its time is not after");
  input.cubeRefused(with(cubeHeader(9), "CDELT3", 0), "not after");
  input.cubeRefused(withText(cubeHeader(9), "CUNIT3", "furlong"), "unit furlong");
}

TEST_CASE("a table says when the frames were, in the cube or beside it, and wrong ones are refused") {
  Input input;
  std::vector<double> hours;
  for (int t = 0; t < 20; ++t) hours.push_back(t * t / 10.0 + 1);
  const FitsColumn time{"TIME", "h", "", "", FitsColumn::Type::kDouble, {}, hours};
  const FitsColumn exposure{
      "EXPOSURE", "min", "", "", FitsColumn::Type::kDouble, {}, std::vector<double>(20, 2)};
  const auto cubeWith = [&](const std::vector<FitsColumn>& columns, const std::vector<FitsKey>& keys,
                            const std::vector<FitsKey>& cubeKeys, const char* extname = "TIMES") {
    FitsImageWriter writer(input.folder / "c.fits", 16, 16, cubeKeys, {20});
    writer.writeRows(noise(16 * 16 * 20).data(), int64_t{16} * 20);
    writer.addTable(extname, columns, keys);
    writer.finish();
    return CubeFile{input.folder / "c.fits", "c"};
  };
  const std::vector<FitsKey> own{{"MJDREF", "", "", 59000, false, false},
                                 {"TIMESYS", "", "TAI", 0, true, false}};
  const CubeInfo told = CubeReader::open({cubeWith({time, exposure}, own, cubeHeader(9))}).info();
  CHECK(told.timesMjd[10] == doctest::Approx(59000 + 11.0 / 24).epsilon(1e-12));
  CHECK(told.exposuresS[3] == 120);
  CHECK(told.timeScale == "TAI");
  // What the table does not say, the cube's header does; an axis without a name is time; other tables are none of it.
  const std::vector<FitsKey> nameless = without(cubeHeader(9), "CTYPE3");
  const CubeInfo inherited = CubeReader::open({cubeWith({time}, {}, nameless)}).info();
  CHECK(inherited.timesMjd[10] == doctest::Approx(60000 + 11.0 / 24).epsilon(1e-12));
  CHECK(inherited.timeScale == "UTC");
  const CubeFile other = cubeWith({time}, own, cubeHeader(9), "BEAMS");
  CHECK(CubeReader::open({other}).info().timesMjd[0] == doctest::Approx(60000 + 300.0 / 86400));
  // A table of its own comes first.
  {
    std::ofstream table(input.folder / "times.csv");
    table << "mjd,exposure\n";
    for (int t = 0; t < 20; ++t) table << 58000 + t * t << ",5\n";
  }
  const CubeFile csv{input.folder / "times.csv", "times.csv"};
  CHECK(CubeReader::open({other}, 0, csv).info().timesMjd[3] == 58009);
  const auto refused = [&](const CubeFile& cube, const std::optional<CubeFile>& times, const char* part) {
    CHECK_THROWS_WITH_AS(CubeReader::open({cube}, 0, times), doctest::Contains(part), OtfError);
  };
  FitsColumn shorter = time;
  shorter.numbers.pop_back();
  refused(cubeWith({shorter}, own, cubeHeader(9)), std::nullopt,
          "c, table TIMES has 19 rows, there are 20 frames");
  FitsColumn turned = time;
  std::swap(turned.numbers[4], turned.numbers[5]);
  refused(cubeWith({turned}, own, cubeHeader(9)), std::nullopt, "frame 6: its time is not after");
  FitsColumn days = time;
  days.unit = "d";
  for (double& value : days.numbers) value += 60000;  // counted from MJDREF, too
  refused(cubeWith({days}, {}, cubeHeader(9)), std::nullopt,
          "which is no date: look at the unit and at MJDREF");
  refused(cubeWith({exposure}, own, cubeHeader(9)), std::nullopt, "TIME or MJD");
  FitsColumn odd = time;
  odd.unit = "furlong";
  refused(cubeWith({odd}, own, cubeHeader(9)), std::nullopt, "unit furlong");
}

TEST_CASE("single-epoch images are frames of one grid, in order") {
  Input input;
  const auto epoch = [&](const std::string& name, double mjd, std::vector<FitsKey> keys) {
    std::erase_if(keys, [](const FitsKey& key) { return key.name.back() == '3'; });
    keys.push_back({"MJD-OBS", "", "", mjd, false, false});
    keys.push_back({"EXPTIME", "", "", 60, false, false});
    const std::vector<float> pixels = noise(16 * 16);
    writeFitsImage(input.folder / name, 16, 16, keys, pixels.data());
    return CubeFile{input.folder / name, name};
  };
  const CubeFile a = epoch("a.fits", 60000, cubeHeader(9)), b = epoch("b.fits", 60003, cubeHeader(9));
  const CubeReader cube = CubeReader::open({a, b});
  CHECK(cube.info().frames == 2);
  CHECK(cube.info().timesMjd[1] == doctest::Approx(60003 + 30.0 / 86400).epsilon(1e-12));
  CHECK_THROWS_WITH_AS(CubeReader::open({b, a}), doctest::Contains("a.fits: its time is not after"),
                       OtfError);
  const CubeFile moved = epoch("m.fits", 60004, with(cubeHeader(9), "CRVAL2", -30.01));
  CHECK_THROWS_WITH_AS(CubeReader::open({a, moved}),
                       doctest::Contains("m.fits is not on the grid of a.fits: its corners"), OtfError);
  const CubeFile scale = epoch("s.fits", 60005, withText(cubeHeader(9), "TIMESYS", "TAI"));
  CHECK_THROWS_WITH_AS(CubeReader::open({a, scale}), doctest::Contains("its time scale is TAI"), OtfError);
  const CubeFile other = epoch("u.fits", 60005, withText(cubeHeader(9), "BUNIT", "K"));
  CHECK_THROWS_WITH_AS(CubeReader::open({a, other}), doctest::Contains("its unit is K"), OtfError);
}

TEST_CASE("a PSF of another shape, off centre or blank is refused") {
  Input input;
  const CubeReader cube = CubeReader::open({{input.cube(cubeHeader(9)), "c"}});
  const auto refused = [&](int64_t side, std::vector<float> pixels, const char* part) {
    writeCube(input.folder / "psf.fits", side, pixels, cubeHeader(9));
    CHECK_THROWS_WITH_AS(
        [&] {
          const PsfReader psf = PsfReader::open({{input.folder / "psf.fits", "p"}}, cube.info());
          std::vector<float> plane(32 * 32);
          std::vector<float> scratch;
          psf.read(0, 32, 32, plane.data(), scratch);
        }(),
        doctest::Contains(part), OtfError);
  };
  refused(32, deltas(32, 7, 16, 16), "7 frames, the cube has 20");
  refused(12, deltas(12, 20, 6, 6), "fewer than the cube's");
  refused(32, deltas(32, 20, 17, 16), "its peak is at pixel 18,17, not in the middle at 17,17");
  std::vector<float> blank = deltas(32, 20, 16, 16);
  blank[5] = std::nanf("");
  refused(32, blank, "blank pixels");
  refused(32, std::vector<float>(32 * 32 * 20), "no peak");
  // One image serves all frames; small ones are warned of; the peak becomes 1.
  const std::vector<float> one = deltas(20, 1, 10, 10);
  writeFitsImage(input.folder / "one.fits", 20, 20, {}, one.data());
  const PsfReader psf = PsfReader::open({{input.folder / "one.fits", "p"}}, cube.info());
  CHECK(!psf.info().perFrame);
  REQUIRE(psf.info().warnings.size() == 1);
  std::vector<float> plane(32 * 32), scratch;
  psf.read(13, 32, 32, plane.data(), scratch);
  CHECK(plane[0] == 1);
}

TEST_CASE("a PSF of other pixels than the cube's is told of") {
  Input input;
  const CubeReader cube = CubeReader::open({{input.cube(cubeHeader(9)), "c"}});
  const auto warnings = [&](const std::vector<FitsKey>& keys) {
    writeCube(input.folder / "psf.fits", 32, deltas(32, 20, 16, 16), keys);
    return PsfReader::open({{input.folder / "psf.fits", "p"}}, cube.info()).info().warnings;
  };
  CHECK(warnings(cubeHeader(17)).empty());
  std::vector<FitsKey> offsets = withText(withText(cubeHeader(17), "CTYPE1", "XOFFSET"), "CTYPE2", "YOFFSET");
  CHECK(warnings(offsets).empty());
  CHECK(warnings(with(with(offsets, "CDELT1", 1.005e-3), "CDELT2", 1.005e-3)).empty());
  const auto arcsec = withText(withText(offsets, "CUNIT1", "arcsec"), "CUNIT2", "arcsec");
  CHECK(warnings(with(with(arcsec, "CDELT1", 3.6), "CDELT2", 3.6)).empty());
  CHECK(warnings(without(without(offsets, "CDELT1"), "CDELT2")).empty());
  const auto told = warnings(with(with(arcsec, "CDELT1", 3), "CDELT2", 3));
  REQUIRE(told.size() == 1);
  CHECK(told[0].find("the PSF p are 3 arcsec wide, those of the cube 3.6") != std::string::npos);
  const auto cd = with(with(without(without(offsets, "CDELT1"), "CDELT2"), "CD1_1", -2e-3), "CD2_2", 2e-3);
  CHECK(warnings(cd).size() == 1);
}

TEST_CASE("a blank frame, one without noise, and one too few end a reconstruction with their names") {
  Input input;
  writeCube(input.folder / "psf.fits", 32, deltas(32, 20, 16, 16), cubeHeader(17));
  const auto run = [&](std::vector<float> pixels, int minFrames) {
    writeCube(input.folder / "cube.fits", 16, pixels, cubeHeader(9));
    const CubeSources files{{{input.folder / "cube.fits", "c"}}, {{input.folder / "psf.fits", "p"}}, {}};
    ReconstructorConfig config = test::demoReconstructor();
    config.minFrames = minFrames;
    ReconstructionTask task(openBands(files), config, {9, 9, 16}, {});
    task.prepare();
  };
  std::vector<float> blank = noise(16 * 16 * 20);
  std::fill_n(blank.begin() + 5 * 256, 256, std::nanf(""));
  CHECK_THROWS_WITH_AS(run(blank, 2), doctest::Contains("frame 6: every pixel is blank"), OtfError);
  std::vector<float> still = noise(16 * 16 * 20);
  std::fill_n(still.begin() + 2 * 256, 256, 0.25F);
  CHECK_THROWS_WITH_AS(run(still, 2), doctest::Contains("frame 3: its pixels have no noise"), OtfError);
  CHECK_THROWS_WITH_AS(run(noise(16 * 16 * 20), 21), doctest::Contains("20 frames are too few"), OtfError);
}

TEST_CASE("windows keep every element once, away from cuts") {
  for (const auto& [length, most, margin] :
       {std::tuple{64, 144, 9}, {145, 144, 9}, {256, 144, 9}, {1024, 144, 9}, {256, 96, 16}, {97, 96, 16}}) {
    const WindowPlan plan = planWindows(length, most, margin);
    CHECK(plan.size <= most);
    int64_t next = 0;
    for (const Window& it : plan.windows) {
      CHECK(it.keepStart == next);
      CHECK(it.start >= 0);
      CHECK(it.start + plan.size <= length);
      CHECK((it.keepStart == 0 || it.keepStart >= it.start + margin));
      CHECK((it.keepEnd == length || it.keepEnd <= it.start + plan.size - margin));
      next = it.keepEnd;
    }
    CHECK(next == length);
  }
  CHECK(planWindows(64, 144, 9).windows.size() == 1);
  CHECK(planWindows(256, 144, 9).windows.size() == 2);
  CHECK_THROWS_WITH_AS(planWindows(100, 18, 9), doctest::Contains("too small"), OtfError);
}

TEST_CASE("noise does not see sources") {
  std::vector<float> image = noise(4096);
  const double quiet = frameNoise(image);
  for (size_t i = 0; i < 40; ++i) image[i * 100] += 50;
  CHECK(frameNoise(image) == doctest::Approx(quiet).epsilon(0.03));
  image[7] = std::nanf("");
  CHECK(std::isfinite(frameNoise(image)));
  CHECK(frameNoise(std::vector<float>(9, 1)) == 0);
  CHECK(std::isnan(frameNoise(std::vector<float>(9, std::nanf("")))));
}
