// Tables of others become columns, or a message that says where they are wrong.
#include "catalogue/catalogue.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <string>
#include <vector>

#include "catalogue/units.h"
#include "error/error.h"
#include "fits/fits.h"

namespace otf {
namespace {

class File {
 public:
  explicit File(const std::string& bytes) : path_(fresh()) {
    std::ofstream(path_, std::ios::binary) << bytes;
  }
  File() : path_(fresh()) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  static std::string fresh() {
    static int count = 0;
    return (std::filesystem::temp_directory_path() /
            ("otf-table-" + std::to_string(::getpid()) + "-" + std::to_string(++count)))
        .string();
  }
  std::string path_;
};

std::string failure(const std::string& bytes, const CatalogueLimits& limits = {}) {
  const File file(bytes);
  try {
    readCatalogue(file.path(), {}, limits, "given");
  } catch (const OtfError& error) {
    CHECK(error.code() == Code::kTableUnreadable);
    return error.what();
  }
  return "";
}

TEST_CASE("what is a line of names, and what is a row") {
  const auto read = [](const std::string& bytes) {
    const File file(bytes);
    return readCatalogue(file.path());
  };
  // A row without a number below the names.
  const Catalogue text = read("a,b\nx,\ny,1\nz,2\n");
  CHECK(text.rows == 3);
  CHECK(text.find("a")->texts == std::vector<std::string>{"x", "y", "z"});
  // Names that are numbers.
  const Catalogue numbers = read("ra,dec,1400\n10,20,1\n11,21,2\n");
  CHECK(numbers.rows == 2);
  CHECK(numbers.find("1400")->numbers == std::vector<double>{1, 2});
  CHECK(read("ra dec 1400\n10 20 1\n").rows == 1);
  // Numbers alone have no names, one row or many, nor has a table with a column of text.
  for (const std::string bytes :
       {"1,10.0,2e-6\n", "1,10.0,2e-6\n2,11,3e-6\n", "1 10.0 2e-6\n", "150,30,x\n151,31,y\n"}) {
    const Catalogue bare = read(bytes);
    CHECK_FALSE(bare.named);
    CHECK(bare.rows == static_cast<int64_t>(std::ranges::count(bytes, '\n')));
    CHECK(bare.columns.front().name == "col1");
  }
  // A remark above the names is none; words above them, between blanks, are none either.
  CHECK(read("# of ra, dec, flux\nra,dec,flux\n1,2,3\n").find("flux"));
  CHECK(read("#ra,dec,flux\n1,2,3\n").find("ra"));
  CHECK(read("found last year\nra dec flux\n1 2 3\n").find("dec"));
  CHECK(read("Survey of 2020\nra dec flux s\n1 2 3 4\n").rows == 1);
  // A row of another length is told, not passed over.
  CHECK(failure("10.0,20.0\n11,21,2e-6\n12,21,2e-6\n").find("line 1 has 2 cells, not 3") !=
        std::string::npos);
  CHECK(failure("10 20 30 40\n1 2 3\n1 2 3\n").find("line 1 has 4 cells, not 3") != std::string::npos);
}

TEST_CASE("CSV with names, quotes and missing values") {
  const File file("name,\"ra, deg\",flux\r\n\"A \"\"x\"\"\",10.5,1e-6\r\n\r\nB,,nan\r\nC,+2,-3E2\r\n");
  const Catalogue table = readCatalogue(file.path());
  CHECK(table.rows == 3);
  CHECK(table.named);
  CHECK(table.find("NAME")->texts == std::vector<std::string>{"A \"x\"", "B", "C"});
  CHECK(std::isnan(table.find("ra, deg")->numbers[1]));
  CHECK(table.numbers({"missing", "flux"})[2] == -300);
  CHECK_THROWS_WITH_AS(table.numbers({"dec"}), doctest::Contains("no column of numbers named dec"), OtfError);
}

TEST_CASE("text between blanks: names in a comment, names in a line, or none") {
  const File comment("# made today\n# id ra dec\n1 2.5 3\n2 3.5 4\n");
  CHECK(readCatalogue(comment.path()).find("ra")->numbers == std::vector<double>{2.5, 3.5});
  const File line("id   ra\n 1   2\n 2   3\n");
  CHECK(readCatalogue(line.path()).find("ra")->numbers == std::vector<double>{2, 3});
  const File none("some heading of 3 words\n\n1 2\n2\t3\n");
  const Catalogue table = readCatalogue(none.path(), [](size_t at, const std::string&) { return at == 1; });
  CHECK_FALSE(table.named);
  CHECK(table.rows == 2);
  REQUIRE(table.columns.size() == 1);
  CHECK(table.columns[0].name == "col2");
  CHECK(table.columns[0].numbers == std::vector<double>{2, 3});
}

TEST_CASE("a table longer than what is read at a time") {
  std::string bytes = "a b\n";
  for (int i = 0; i < 600'000; ++i) bytes += std::to_string(i) + " " + std::to_string(i) + ".25\n";
  const File file(bytes);
  const Catalogue table = readCatalogue(file.path());
  REQUIRE(table.rows == 600'000);
  bool right = true;
  for (int i = 0; i < 600'000; ++i)
    right = right && table.columns[1].numbers[static_cast<size_t>(i)] == i + 0.25;
  CHECK(right);
}

TEST_CASE("what is wrong in a text is told with its line") {
  std::string late = "a,b\n";
  for (int i = 0; i < 100'000; ++i) late += "1,2\n";
  CHECK(failure(late + "1,x\n").find("line 100002, column b: 'x' is no number") != std::string::npos);
  CHECK(failure("a b\n1 2\n1 3\n1 2 3\n").find("line 4 has 3 cells, not 2") != std::string::npos);
  CHECK(failure("").find("it is empty") != std::string::npos);
  CHECK(failure("no numbers at all\n").find("row of numbers") != std::string::npos);
  CHECK(failure(std::string("a b\n1\0 2\n", 9)).find("no text, VOTable or FITS") != std::string::npos);
  CHECK(failure("a b\n1 2\n3 4\n", {1, 1000, 1 << 20}).find("more than 1 rows") != std::string::npos);
  CHECK(failure("a b\n1 2\n3 4\n", {9, 1, 1 << 20}).find("more than 1 columns") != std::string::npos);
  // Names alone are a table, too.
  CHECK(failure("a,b\n", {9, 1, 1 << 20}).find("more than 1 columns") != std::string::npos);
  CHECK(failure("a b\n1 2\n3 4\n", {9, 9, 3}).find("larger than") != std::string::npos);
}

constexpr const char* kHead =
    "<?xml version='1.0'?><VOTABLE version='1.4' "
    "xmlns='http://www.ivoa.net/xml/VOTable/v1.3'><RESOURCE><TABLE>"
    "<FIELD name='id' datatype='char' arraysize='*'/>"
    "<FIELD name='ra' datatype='double' unit='deg' ucd='pos.eq.ra'><DESCRIPTION>Right "
    "ascension</DESCRIPTION></FIELD>"
    "<FIELD name='n' datatype='int'/><FIELD name='many' datatype='float' arraysize='2'/><DATA>";

TEST_CASE("VOTable as TABLEDATA, its first table") {
  const File file(std::string(kHead) +
                  "<TABLEDATA><TR><TD>A &amp; b</TD><TD> 1.5 </TD><TD>7</TD><TD>1 2</TD></TR>"
                  "<TR><TD/><TD></TD><TD>8</TD><TD/></TR></TABLEDATA></DATA></TABLE><TABLE><FIELD name='x' "
                  "datatype='int'/></TABLE></RESOURCE></VOTABLE>");
  const Catalogue table = readCatalogue(file.path());
  CHECK(table.format == "VOTable");
  CHECK(table.rows == 2);
  REQUIRE(table.columns.size() == 3);
  CHECK(table.columns[0].texts == std::vector<std::string>{"A & b", ""});
  CHECK(table.find("ra")->numbers[0] == 1.5);
  CHECK(std::isnan(table.find("ra")->numbers[1]));
  CHECK(table.find("ra")->unit == "deg");
  CHECK(table.find("ra")->description == "Right ascension");
  CHECK(table.find("n")->numbers == std::vector<double>{7, 8});
}

TEST_CASE("VOTable as BINARY2") {
  // Flags 0 and 0x40 (ra missing); "AB", 1.5, 7, 1, 2; "", NaN, 8, 0, 0.
  const File file(
      std::string(kHead) +
      "<BINARY2><STREAM encoding='base64'>AAAAAAJBQj/4AAAAAAAAAAAABz+AAABA\nAAAA"
      "QAAAAAB/+AAAAAAAAAAAAAgAAAAAAAAAAA==</STREAM></BINARY2></DATA></TABLE></RESOURCE></VOTABLE>");
  const Catalogue table = readCatalogue(file.path());
  REQUIRE(table.rows == 2);
  CHECK(table.columns[0].texts == std::vector<std::string>{"AB", ""});
  CHECK(table.find("ra")->numbers[0] == 1.5);
  CHECK(std::isnan(table.find("ra")->numbers[1]));
  CHECK(table.find("n")->numbers == std::vector<double>{7, 8});
}

TEST_CASE("what is wrong in a VOTable is told") {
  const std::string head = kHead, cells = "<TABLEDATA><TR><TD>a</TD>";
  CHECK(failure(head + cells + "</TR>").find("row 1 has too few cells") != std::string::npos);
  CHECK(failure(head + cells + "<TD>b</TD>").find("row 1, column ra: 'b' is no number") != std::string::npos);
  CHECK(failure(head + "<TABLEDATA>").find("line 1: ") != std::string::npos);
  CHECK(failure(head + "<BINARY>").find("serialised as BINARY") != std::string::npos);
  CHECK(failure(head + "<BINARY2><STREAM encoding='base64'>!</STREAM>").find("no base64") !=
        std::string::npos);
  CHECK(failure(head + "<BINARY2><STREAM encoding='base64'>AAAA</STREAM>").find("inside a row") !=
        std::string::npos);
  CHECK(failure("<!DOCTYPE a [<!ENTITY b 'c'>]><VOTABLE/>").find("document type") != std::string::npos);
  CHECK(failure("<VOTABLE/>").find("no table") != std::string::npos);
  std::string deep;
  for (int i = 0; i < 200; ++i) deep += "<a>";
  CHECK(failure(deep).find("nested too deep") != std::string::npos);
}

std::string fitsTable(const std::string& path) {
  const std::vector<FitsColumn> columns{
      {"name", "", "meta.id", "", FitsColumn::Type::kText, {"one", "three"}, {}},
      {"flux", "Jy", "phot.flux", "the flux", FitsColumn::Type::kFloat, {}, {0.5, std::nan("")}},
      {"n", "", "", "", FitsColumn::Type::kInt, {}, {std::nan(""), -4}}};
  writeFitsTable(path, "SOURCES", columns, {});
  std::ifstream stream(path, std::ios::binary);
  return {(std::istreambuf_iterator<char>(stream)), {}};
}

TEST_CASE("FITS binary tables, as written here") {
  const File file;
  fitsTable(file.path());
  const Catalogue table = readCatalogue(file.path());
  CHECK(table.format == "FITS");
  CHECK(table.rows == 2);
  CHECK(table.find("name")->texts == std::vector<std::string>{"one", "three"});
  CHECK(table.find("flux")->numbers[0] == 0.5);
  CHECK(std::isnan(table.find("flux")->numbers[1]));
  CHECK(table.find("flux")->unit == "Jy");
  CHECK(std::isnan(table.find("n")->numbers[0]));
  CHECK(table.find("n")->numbers[1] == -4);
}

TEST_CASE("FITS tables that promise what they have not are refused") {
  const File file;
  const std::string good = fitsTable(file.path());
  const auto changed = [&](const std::string& key, const std::string& value) {
    std::string bytes = good;
    const size_t at = bytes.find(key, bytes.find("XTENSION"));
    REQUIRE(at != std::string::npos);
    bytes.replace(at + 10, 20, std::string(20 - value.size(), ' ') + value);
    return bytes;
  };
  CHECK(failure(changed("NAXIS2  ", "2000000000")).find("NAXIS2") != std::string::npos);
  CHECK(failure(changed("NAXIS2  ", "20000")).find("ends before the data") != std::string::npos);
  CHECK(failure(changed("NAXIS1  ", "1")).find("longer than its rows") != std::string::npos);
  CHECK(failure(changed("TFORM2  ", "'99999999E'")).find("TFORM2") != std::string::npos);
  CHECK(failure(good.substr(0, 4000)).find("ends inside a header") != std::string::npos);
  CHECK(failure(good.substr(0, 2880)).find("no binary table") != std::string::npos);
}

const std::vector<std::string> kIds{"5853498713190525696", "5853498713190525697", "", "-5853498713190525698"};

void checkIds(const Catalogue& table) {
  const CatalogueColumn& ids = *table.find("id");
  CHECK(ids.digits == kIds);
  REQUIRE(ids.numbers.size() == kIds.size());
  CHECK(ids.numbers[0] == 5853498713190525696.0);
  CHECK(std::isnan(ids.numbers[2]));
}

TEST_CASE("whole numbers that a double rounds keep their digits, in every format") {
  std::string csv = "id,flux\n", cells;
  for (const std::string& id : kIds) {
    csv += id + ",1.5\n";
    cells += "<TR><TD>" + id + "</TD></TR>";
  }
  const File text(csv);
  checkIds(readCatalogue(text.path()));
  const std::string head = "<VOTABLE><RESOURCE><TABLE><FIELD name='id' datatype='long'/><DATA>";
  const File votable(head + "<TABLEDATA>" + cells + "</TABLEDATA></DATA></TABLE></RESOURCE></VOTABLE>");
  checkIds(readCatalogue(votable.path()));
  // One flag and eight bytes of each; the third is flagged as missing.
  const File binary(
      head +
      "<BINARY2><STREAM encoding='base64'>AFE7zhEE7WsAAFE7zhEE7WsBgAAAAAAAAAAAAK7EMe77EpT+</STREAM>"
      "</BINARY2></DATA></TABLE></RESOURCE></VOTABLE>");
  checkIds(readCatalogue(binary.path()));
  const File fits;
  const std::vector<FitsColumn> columns{
      {"id",
       "",
       "",
       "",
       FitsColumn::Type::kLong,
       {},
       {},
       {5853498713190525696, 5853498713190525697, 7, -5853498713190525698}}};
  writeFitsTable(fits.path(), "IDS", columns, std::vector<FitsKey>{{"TNULL1", "", "", 7, false, true}});
  checkIds(readCatalogue(fits.path()));
}

TEST_CASE("what no double rounds has no digits beside it, nor has a column of measurements") {
  const auto read = [](const std::string& bytes) {
    const File file(bytes);
    return readCatalogue(file.path());
  };
  CHECK(read("id\n1\n-9007199254740992\n10000000000000000000\n").columns[0].digits.empty());
  CHECK(read("a,x\n1,9007199254740993\n2,1.5\n").find("x")->digits.empty());
  const Catalogue late = read("a,x\n1,+007\n2,9007199254740993\n3,-0\n");
  CHECK(late.find("x")->digits == std::vector<std::string>{"7", "9007199254740993", "0"});
}

TEST_CASE("64 bits without a sign in a FITS table: small ones are there, large ones keep their digits") {
  const File file;
  constexpr int64_t kLowest = std::numeric_limits<int64_t>::min(),
                    kHighest = std::numeric_limits<int64_t>::max();
  const std::vector<FitsColumn> columns{
      {"id", "", "", "", FitsColumn::Type::kLong, {}, {}, {kLowest, kLowest + 1, kHighest, kLowest + 5}}};
  // Under another name: what writes tables would count it in.
  writeFitsTable(file.path(), "IDS", columns, std::vector<FitsKey>{{"XZERO1", "", "", 0x1p63, false, false}});
  std::ifstream written(file.path(), std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(written), {}};
  const size_t key = bytes.find("XZERO1  =");
  REQUIRE(key != std::string::npos);
  bytes.replace(key, 30, "TZERO1  =  9223372036854775808");
  const File unsignedIds(bytes);
  const Catalogue table = readCatalogue(unsignedIds.path());
  CHECK(table.columns[0].numbers == std::vector<double>{0, 1, 0x1p64, 5});
  CHECK(table.columns[0].digits == std::vector<std::string>{"0", "1", "18446744073709551615", "5"});
}

TEST_CASE("the number a VOTable says stands for a missing one is missing") {
  const File file(
      "<VOTABLE><RESOURCE><TABLE><PARAM name='p' datatype='int' value='1'><VALUES null='5'/></PARAM>"
      "<FIELD name='n' datatype='int'><VALUES null='-999'/></FIELD>"
      "<FIELD name='x' datatype='double'><VALUES null='-99.0'/></FIELD>"
      "<FIELD name='id' datatype='long'><VALUES null='9223372036854775807'/></FIELD><DATA><TABLEDATA>"
      "<TR><TD>-999</TD><TD>-99</TD><TD>9223372036854775807</TD></TR>"
      "<TR><TD>5</TD><TD>5</TD><TD>9223372036854775806</TD></TR></TABLEDATA></DATA></TABLE></RESOURCE></"
      "VOTABLE>");
  const Catalogue table = readCatalogue(file.path());
  for (const CatalogueColumn& column : table.columns) {
    CHECK_MESSAGE(std::isnan(column.numbers[0]), column.name);
    CHECK_MESSAGE(!std::isnan(column.numbers[1]), column.name);
  }
  // One flag and four bytes of each.
  const File binary(
      "<VOTABLE><RESOURCE><TABLE><FIELD name='n' datatype='int'><VALUES null='-999'/></FIELD><DATA><BINARY2>"
      "<STREAM encoding='base64'>AP///BkAAAAABQ==</STREAM></BINARY2></DATA></TABLE></RESOURCE></VOTABLE>");
  const Catalogue stream = readCatalogue(binary.path());
  CHECK(std::isnan(stream.columns[0].numbers[0]));
  CHECK(stream.columns[0].numbers[1] == 5);
}

TEST_CASE("between tabs cells may be empty, or of two words") {
  const auto read = [](const std::string& bytes) {
    const File file(bytes);
    return readCatalogue(file.path());
  };
  for (const std::string mark : {"", "# "}) {
    const Catalogue table =
        read(mark + "ra\tdec\tname\tflux\n\t20\tNGC 1\t1\n11\t21\tM 31\t\r\n12\t22\t\t3\n");
    CHECK(table.rows == 3);
    CHECK(std::isnan(table.find("ra")->numbers[0]));
    CHECK(table.find("dec")->numbers == std::vector<double>{20, 21, 22});
    CHECK(table.find("name")->texts == std::vector<std::string>{"NGC 1", "M 31", ""});
    CHECK(std::isnan(table.find("flux")->numbers[1]));
  }
  // Blanks and tabs mixed at will are blanks.
  CHECK(read("ra dec\n1\t\t2\n3 \t4\n").find("dec")->numbers == std::vector<double>{2, 4});
  CHECK(read("ra\tdec flux\n1\t2 3\n4\t5 6\n").find("flux")->numbers == std::vector<double>{3, 6});
}

TEST_CASE("the mark of UTF-8 before a text is no part of its first name") {
  const File file("\xef\xbb\xbfra,dec\n1,2\n");
  const Catalogue table = readCatalogue(file.path());
  CHECK(table.rows == 1);
  CHECK(table.columns[0].name == "ra");
}

TEST_CASE("units that a table says: angles and flux densities are turned, others refused by name") {
  const Catalogue table{.label = "given", .format = "", .cards = "", .columns = {}};
  const auto factor = [&](const std::string& from, const std::string& to) {
    CatalogueColumn column;
    column.name = "x";
    column.unit = from;
    return factorTo(table, column, to);
  };
  CHECK(factor("", "deg") == 1);
  CHECK(factor("Degrees", "deg") == 1);
  CHECK(factor("rad", "deg") == doctest::Approx(57.29577951308232));
  CHECK(factor("hourangle", "deg") == 15);
  CHECK(factor("deg", "arcsec") == doctest::Approx(3600));
  CHECK(factor("mJy", "Jy") == doctest::Approx(1e-3));
  CHECK_THROWS_WITH(factor("mJy/beam", "Jy"), "given: x is in mJy/beam, which cannot be turned into Jy");
  CHECK_THROWS_WITH(factor("furlong", "deg"), "given: x is in furlong, which cannot be turned into deg");
}

}  // namespace
}  // namespace otf
