// Images and tables written here, read back here.
#include <sys/resource.h>

#include <cmath>
#include <csignal>
#include <cstdint>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include "fits/fits.h"
#include "fits/test_support.h"

namespace otf {
namespace {

using namespace test;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

std::string textOf(const std::string& path) {
  const std::vector<std::byte> bytes = readBytes(path);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::vector<FitsKey> someKeys() {
  return {{"BUNIT", "unit", "Jy/beam", 0, true, false},
          {"BMAJ", "beam", "", 1.5 / 3600, false, false},
          {"BMIN", "beam", "", 1.5 / 3600, false, false},
          {"NITER", "", "", 12, false, true},
          {"LONGTEXT", "", std::string(150, 'x'), 0, true, false},
          {"NONASCII", "", "caf\xc3\xa9", 0, true, false}};
}

TEST_CASE("an image comes back as it was written") {
  const TemporaryFolder folder;
  const std::string path = folder / "image.fits";
  std::vector<float> pixels(7 * 5);
  std::iota(pixels.begin(), pixels.end(), -3.5F);
  pixels[9] = std::numeric_limits<float>::quiet_NaN();
  writeFitsImage(path, 7, 5, someKeys(), pixels.data());
  CHECK(folder.entries() == 1);
  FitsImage image = FitsImage::open(path);
  CHECK(image.info().bunit == "Jy/beam");
  REQUIRE(image.info().beam.has_value());
  CHECK(image.info().beam->bmajDeg == doctest::Approx(1.5 / 3600).epsilon(1e-14));
  for (const char* keyword : {"CHECKSUM=", "DATASUM =", "NITER   =                   12"}) {
    CHECK_MESSAGE(image.info().cards.find(keyword) != std::string::npos, keyword);
  }
  std::vector<float> back(pixels.size());
  image.readWindow(0, 0, 7, 5, back.data(), 7);
  for (size_t i = 0; i < back.size(); ++i) CHECK((back[i] == pixels[i] || (i == 9 && std::isnan(back[i]))));
}

TEST_CASE("an image written in bands, with axes of length 1") {
  const TemporaryFolder folder;
  const std::string path = folder / "bands.fits";
  std::vector<float> pixels(6 * 10);
  std::iota(pixels.begin(), pixels.end(), 0.0F);
  FitsImageWriter writer(path, 6, 10, {}, {1, 1});
  writer.writeRows(pixels.data(), 4);
  checkFails(Code::kInvalidArgument, "only 4 of 10 rows", [&] { writer.finish(); });
  writer.writeRows(pixels.data() + 24, 6);
  checkFails(Code::kInvalidArgument, "more rows", [&] { writer.writeRows(pixels.data(), 1); });
  writer.finish();
  FitsImage image = FitsImage::open(path);
  CHECK(image.info().cards.find("NAXIS4  =                    1") != std::string::npos);
  std::vector<float> back(pixels.size());
  image.readWindow(0, 0, 6, 10, back.data(), 6);
  CHECK(back == pixels);
}

/// Ones' complement sum of the big-endian words of a file from a block of 2880 bytes on (FITS Standard 4.0, appendix J).
uint32_t sumFrom(const std::string& text, size_t block) {
  uint64_t sum = 0;
  for (size_t i = block * 2880; i < text.size(); i += 4) {
    uint32_t word = 0;
    for (size_t byte = 0; byte < 4; ++byte) word = word << 8 | static_cast<unsigned char>(text[i + byte]);
    sum += word;
    if (sum >> 32 != 0) sum = (sum & 0xFFFFFFFFU) + 1;
  }
  return static_cast<uint32_t>(sum);
}

TEST_CASE("checksums are those of the standard: all words of a unit sum to minus zero") {
  const TemporaryFolder folder;
  std::vector<float> pixels(1000);
  for (size_t i = 0; i < pixels.size(); ++i) pixels[i] = std::sin(float(i)) * 1e6F;
  pixels[7] = std::numeric_limits<float>::quiet_NaN();
  writeFitsImage(folder / "image.fits", 100, 10, someKeys(), pixels.data());
  const std::string image = textOf(folder / "image.fits");
  const size_t dataBlock = image.size() / 2880 - 2;
  CHECK(sumFrom(image, 0) == 0xFFFFFFFFU);
  CHECK(image.find("DATASUM = '" + std::to_string(sumFrom(image, dataBlock))) != std::string::npos);
  // In pieces, with a header of several blocks and a table behind.
  std::vector<FitsKey> many;
  for (int i = 0; i < 100; ++i) many.push_back({"KEY" + std::to_string(i), "", "", double(i), false, true});
  FitsImageWriter writer(folder / "pieces.fits", 100, 10, many);
  writer.writeRows(pixels.data(), 3);
  writer.writeRows(pixels.data() + 300, 7);
  const FitsColumn column{"x", "", "", "", FitsColumn::Type::kDouble, {}, {1.5, kNan, -2}};
  writer.addTable("TABLE", std::vector<FitsColumn>{column}, {});
  writer.finish();
  const std::string pieces = textOf(folder / "pieces.fits");
  const size_t table = pieces.find("XTENSION") / 2880;
  CHECK(table > 4);
  CHECK(sumFrom(pieces, table) == 0xFFFFFFFFU);
  CHECK(sumFrom(pieces.substr(0, table * 2880), 0) == 0xFFFFFFFFU);
  // Zeros have the sum 0.
  const std::vector<float> zeros(4);
  writeFitsImage(folder / "zeros.fits", 2, 2, {}, zeros.data());
  CHECK(textOf(folder / "zeros.fits").find("DATASUM = '0 ") != std::string::npos);
  CHECK(sumFrom(textOf(folder / "zeros.fits"), 0) == 0xFFFFFFFFU);
}

TEST_CASE("an abandoned image leaves nothing, and not the old file changed") {
  const TemporaryFolder folder;
  const std::string path = folder / "old.fits";
  std::ofstream(path) << "old";
  {
    const std::vector<float> row(100);
    FitsImageWriter writer(path, 100, 100, {});
    writer.writeRows(row.data(), 1);
  }
  CHECK(folder.entries() == 1);
  CHECK(textOf(path) == "old");
  const std::vector<float> whole(4);
  writeFitsImage(path, 2, 2, {}, whole.data());
  CHECK(FitsImage::open(path).info().width == 2);
}

std::vector<FitsColumn> someColumns() {
  using Type = FitsColumn::Type;
  return {{"id", "", "meta.id;meta.main", "identifier", Type::kText, {"a", "long name", ""}, {}},
          {"ra", "deg", "pos.eq.ra;meta.main", "right ascension", Type::kDouble, {}, {1.25, kNan, 359.5}},
          {"flux",
           "Jy",
           "phot.flux.density;em.radio",
           std::string(120, 'd'),
           Type::kFloat,
           {},
           {1e-6, 2e-6, kNan}},
          {"tile", "", "meta.id", "tile number", Type::kInt, {}, {4, kNan, -7}},
          {"big", "", "", "", Type::kInt, {}, {4e15, kNan, -7}}};
}

TEST_CASE("a table has its units, UCDs, descriptions and null values") {
  const TemporaryFolder folder;
  const std::string path = folder / "table.fits";
  writeFitsTable(path, "SOURCES", someColumns(), someKeys());
  CHECK(folder.entries() == 1);
  const std::string text = textOf(path);
  CHECK(text.size() % 2880 == 0);
  for (const char* card :
       {"EXTNAME = 'SOURCES '", "NAXIS2  =                    3", "TFORM1  = '9A      '",
        "TTYPE2  = 'ra      '", "TUNIT2  = 'deg     '", "TUCD1   = 'meta.id;meta.main'",
        "TCOMM1  = 'identifier'", "TFORM3  = '1E      '", "TFORM4  = '1J      '",
        "TNULL4  =          -2147483648", "TFORM5  = '1K      '", "CHECKSUM=", "DATASUM ="}) {
    CHECK_MESSAGE(text.find(card) != std::string::npos, card);
  }
}

TEST_CASE("letters that FITS has not are told apart, in columns as wide as that takes") {
  const TemporaryFolder folder;
  const std::string path = folder / "table.fits";
  const FitsColumn names{"NAME",
                         "",
                         "",
                         "",
                         FitsColumn::Type::kText,
                         {"caf\xc3\xa9", "caf\xc3\xa8", "\xf0\x9f\x94\xad", "broken\xc3"},
                         {}};
  writeFitsTable(path, "T", std::vector{names}, someKeys());
  const std::string text = textOf(path);
  for (const char* part :
       {"caf\\u00e9", "caf\\u00e8", "\\U0001f52d", "broken?", "NONASCII= 'caf\\u00e9'", "'10A     '"})
    CHECK_MESSAGE(text.find(part) != std::string::npos, part);
}

TEST_CASE("a table without rows keeps its columns") {
  const TemporaryFolder folder;
  std::vector<FitsColumn> columns = someColumns();
  for (FitsColumn& column : columns) {
    column.text.clear();
    column.numbers.clear();
  }
  writeFitsTable(folder / "empty.fits", "SOURCES", columns, {});
  CHECK(textOf(folder / "empty.fits").find("TFIELDS =                    5") != std::string::npos);
}

TEST_CASE("columns of different lengths and numbers FITS cannot hold are refused") {
  const TemporaryFolder folder;
  std::vector<FitsColumn> columns = someColumns();
  columns[1].numbers.pop_back();
  checkFails(Code::kInvalidArgument, "table column ra has 2 rows instead of 3",
             [&] { writeFitsTable(folder / "t.fits", "T", columns, {}); });
  const std::vector<FitsKey> keys = {{"BAD", "", "", kNan, false, false}};
  checkFails(Code::kInvalidArgument, "BAD", [&] { writeFitsTable(folder / "t.fits", "T", {}, keys); });
  CHECK(folder.entries() == 0);
}

TEST_CASE("an output that cannot be written names path and reason") {
  const TemporaryFolder folder;
  const std::vector<float> pixels(4);
  const auto write = [&](const std::string& path) {
    return [&pixels, path] { writeFitsImage(path, 2, 2, {}, pixels.data()); };
  };
  checkFails(Code::kOutputUnwritable, "No such file or directory", write(folder / "missing/a.fits"));
  checkFails(Code::kOutputUnwritable, "missing/a.fits", write(folder / "missing/a.fits"));
  checkFails(Code::kOutputUnwritable, "not a file name", write(""));
  std::filesystem::create_directory(folder / "folder");
  checkFails(Code::kOutputUnwritable, "s a directory", write(folder / "folder"));
  checkFails(Code::kOutputUnwritable, "No such file",
             [&] { writeFitsTable(folder / "missing/t.fits", "T", someColumns(), {}); });
  CHECK(folder.entries() == 1);
}

TEST_CASE("a disk that fills up while writing leaves nothing behind") {
  const TemporaryFolder folder;
  // A limit on file size stands in for the full disk: the write fails the same way.
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  const rlimit small{100000, before.rlim_max};
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
  const std::vector<float> pixels(256 * 256, 1.0F);
  const auto failure = failureOf([&] { writeFitsImage(folder / "full.fits", 256, 256, {}, pixels.data()); });
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  REQUIRE(failure.has_value());
  CHECK(failure->code == Code::kOutputUnwritable);
  CHECK_MESSAGE(failure->message.find("File too large") != std::string::npos, failure->message);
  CHECK(folder.entries() == 0);
}

}  // namespace
}  // namespace otf
