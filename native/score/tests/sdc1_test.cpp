// The challenge's scorer: each quirk by a case of its own, and the whole against comparing everything with everything.
#include "score/sdc1.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "score/sky_match.h"

namespace otf::score {
namespace {

constexpr double kBeam = 0.625;  // arcsec at 560 MHz

/// id, place of core and centroid, flux, core fraction, axes, angle, kinds.
struct Row {
  double id = 1, ra = 0.5, dec = -30, flux = 1e-3, coreFrac = 0, bMaj = 2, bMin = 1, pa = 10, size = 2,
         type = 3;
};

Sdc1Catalogue catalogueOf(const std::vector<Row>& rows) {
  Sdc1Catalogue out;
  for (const Row& row : rows) {
    out.id.push_back(row.id);
    for (auto* column : {&out.raCore, &out.raCent}) column->push_back(row.ra);
    for (auto* column : {&out.decCore, &out.decCent}) column->push_back(row.dec);
    out.flux.push_back(row.flux);
    out.coreFrac.push_back(row.coreFrac);
    out.bMaj.push_back(row.bMaj);
    out.bMin.push_back(row.bMin);
    out.pa.push_back(row.pa);
    out.size.push_back(row.size);
    out.type.push_back(row.type);
  }
  return out;
}

Sdc1Result score(const std::vector<Row>& submission, const std::vector<Row>& truth,
                 const Sdc1Options& options = {}) {
  return scoreSdc1(catalogueOf(submission), catalogueOf(truth), options);
}

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

TEST_CASE("a perfect source scores 1") {
  const Sdc1Result result = score({Row{}}, {Row{}});
  CHECK(result.matches == 1);
  CHECK(result.score == doctest::Approx(1));
  CHECK(result.accuracyPercent == doctest::Approx(100));
}

TEST_CASE("rows with a missing value go; zeros go only beside a value below zero") {
  const Sdc1Result zeros = score({{.id = 1, .flux = 0}, {.id = 2}}, {Row{}});
  CHECK(zeros.submission.kept == 2);
  const Sdc1Result negatives = score({{.id = 1, .flux = 0}, {.id = 2, .flux = -1}, {.id = 3}}, {Row{}});
  CHECK(negatives.submission.kept == 1);
  const Sdc1Result missing = score({{.id = 1, .pa = kNaN}, {.id = 2}}, {Row{}});
  CHECK(missing.submission.kept == 1);
  CHECK(missing.submission.unread == 1);
  // A row that goes for one column cannot make another column drop its zeros.
  const Sdc1Result chain = score({{.id = 1, .flux = -1, .bMin = -1}, {.id = 2, .bMin = 0}}, {Row{}});
  CHECK(chain.submission.kept == 1);
}

TEST_CASE("right ascensions above 180 are turned before the area is cut") {
  const Sdc1Result result = score({{.ra = 359.0}}, {{.ra = -1.0}});
  CHECK(result.matches == 1);
}

TEST_CASE("the training area, its edges strict on both sides") {
  const Row inside{.ra = -0.3, .dec = -29.7}, edge{.ra = -0.6723, .dec = -29.7},
      outside{.ra = -1, .dec = -29.7};
  const Sdc1Result train = score({inside, edge, outside}, {inside}, {.train = true});
  CHECK(train.submission.kept == 1);
  const Sdc1Result rest = score({inside, edge, outside}, {outside});
  CHECK(rest.submission.kept == 1);
}

TEST_CASE("candidates: plain degrees without the cosine of the declination, as far as the submitted size") {
  const double reach = std::hypot(2, kBeam) / 3600;
  CHECK(score({{.ra = 0.5 + reach * 0.999}}, {Row{}}).matches == 1);
  // By the sky it would still be well inside.
  CHECK(score({{.ra = 0.5 + reach * 1.001}}, {Row{}}).matches == 0);
  CHECK(score({{.dec = -30 + reach * 1.001}}, {Row{}}).matches == 0);
  // The submitted source's size counts, not the true one's.
  CHECK(score({{.dec = -30 + reach * 1.001, .bMaj = 4}}, {Row{}}).matches == 1);
  CHECK(score({{.dec = -30 + reach * 1.001}}, {{.bMaj = 20}}).matches == 0);
  // The largest of both axes, whichever is called major; exponential sizes reach further, LAS less.
  CHECK(score({{.dec = -30 + reach * 0.999, .bMaj = 1, .bMin = 2}}, {Row{}}).matches == 1);
  CHECK(score({{.dec = -30 + std::hypot(2 * 1.4142, kBeam) / 3600 * 0.999, .size = 3}}, {Row{}}).matches ==
        1);
  CHECK(score({{.dec = -30 + std::hypot(2 * 0.471, kBeam) / 3600 * 1.001, .size = 1}}, {Row{}}).matches == 0);
}

TEST_CASE("a match that is too far off in flux is bad, and counts as false") {
  // 0.36 * 5 = 1.8 times the flux off.
  CHECK(score({{.flux = 2.79e-3}}, {Row{}}).matches == 1);
  const Sdc1Result bad = score({{.flux = 2.81e-3}}, {Row{}});
  CHECK(bad.matches == 0);
  CHECK(bad.bad == 1);
  CHECK(bad.falses == 1);
  CHECK(bad.score == -1);
}

TEST_CASE("an error that is no number is neither a match nor bad, and comes after every number") {
  const Sdc1Result result = score({{.flux = 0}}, {{.flux = 0}});
  CHECK(result.matches == 0);
  CHECK(result.bad == 0);
  CHECK(result.falses == 1);
  const Sdc1Result beside = score({{.flux = 0}}, {{.id = 1, .flux = 0}, {.id = 2, .flux = 1e-3}});
  CHECK(beside.matches == 1);
}

TEST_CASE("two sources that claim one: the loser has no second choice") {
  const double arcsec = 1.0 / 3600;
  // Both are nearest to truth 1; the second would also do for truth 2.
  const Sdc1Result result = score({{.id = 1, .dec = -30}, {.id = 2, .dec = -30 + 0.4 * arcsec}},
                                  {{.id = 1, .dec = -30}, {.id = 2, .dec = -30 + 1.3 * arcsec}});
  CHECK(result.matches == 1);
  CHECK(result.falses == 1);
  CHECK(result.rows[0].idTruth == 1);
}

TEST_CASE("rows that share an id are one in the matching, and all of them count as detections") {
  const Sdc1Result result = score({{.id = 7}, {.id = 7, .dec = -30.5}}, {{.id = 1}, {.id = 2, .dec = -30.5}});
  CHECK(result.detections == 2);
  CHECK(result.matches == 1);
}

double scoreNamed(const Sdc1Result& result, const std::string& name) {
  REQUIRE(result.rows.size() == 1);
  const auto at = std::ranges::find(kSdc1Scores, name) - kSdc1Scores.begin();
  return result.rows[0].scores[static_cast<size_t>(at)];
}

TEST_CASE("the seven scores by hand") {
  const double dec = -30 + 1.0 / 3600;
  const double width = std::sqrt(4 * kBeam * kBeam + 1.5 * 1.5);
  CHECK(scoreNamed(score({{.dec = dec}}, {Row{}}), "position") ==
        doctest::Approx(0.3 * width / 1).epsilon(1e-6));
  CHECK(scoreNamed(score({{.flux = 1.2e-3}}, {Row{}}), "flux") == doctest::Approx(0.5));
  CHECK(scoreNamed(score({{.flux = 1.05e-3}}, {Row{}}), "flux") == 1);
  CHECK(scoreNamed(score({{.bMaj = 3}}, {Row{}}), "b_maj") == doctest::Approx(0.6));
  CHECK(scoreNamed(score({{.bMin = 2}}, {Row{}}), "b_min") == doctest::Approx(0.3));
  CHECK(scoreNamed(score({{.coreFrac = 0.0375}}, {Row{}}), "core_frac") == doctest::Approx(1));
  CHECK(scoreNamed(score({{.coreFrac = 0.075}}, {Row{}}), "core_frac") == doctest::Approx(0.5));
  CHECK(scoreNamed(score({{.type = 2}}, {Row{}}), "class") == 0);
}

TEST_CASE("core or centroid, whichever is nearer, gives the position") {
  Sdc1Catalogue submission = catalogueOf({Row{}});
  submission.decCore[0] = -30 + 1.5 / 3600;
  const Sdc1Result result = scoreSdc1(submission, catalogueOf({Row{}}), {});
  CHECK(result.matches == 1);
  CHECK(scoreNamed(result, "position") == 1);
  // Candidates are looked for where the mode says.
  submission.decCore[0] = -30.1;
  CHECK(scoreSdc1(submission, catalogueOf({Row{}}), {}).matches == 0);
  CHECK(scoreSdc1(submission, catalogueOf({Row{}}), {.centroids = true}).matches == 1);
}

TEST_CASE("sizes are turned into the true kind; a true LAS has full marks for minor axis and angle") {
  const auto major = [](double submitted, double kind, double truth, double kindTruth) {
    return scoreNamed(score({{.bMaj = submitted, .size = kind}}, {{.bMaj = truth, .size = kindTruth}}),
                      "b_maj");
  };
  CHECK(major(2, 1, 2 * 0.471, 2) == doctest::Approx(1));
  CHECK(major(2, 1, 2 * 0.471 / std::sqrt(2.0), 3) == doctest::Approx(1));
  CHECK(major(2, 2, 2 / 0.471, 1) == doctest::Approx(1));
  CHECK(major(2, 2, 2 / std::sqrt(2.0), 3) == doctest::Approx(1));
  CHECK(major(2, 3, 2 * std::sqrt(2.0) / 0.471, 1) == doctest::Approx(1));
  CHECK(major(2, 3, 2 * std::sqrt(2.0), 2) == doctest::Approx(1));
  CHECK(major(2, 2, 1.2, 2) == doctest::Approx(0.3 / (0.8 / 1.2)));
  const Sdc1Result las = score({{.bMin = 0.1, .pa = 80, .size = 1}}, {{.size = 1}});
  CHECK(scoreNamed(las, "b_min") == 1);
  CHECK(scoreNamed(las, "pa") == 1);
}

TEST_CASE("angles are folded step by step, not onto a half-circle") {
  const auto angle = [](double pa, double truth) {
    return scoreNamed(score({{.pa = pa}}, {{.pa = truth}}), "pa");
  };
  CHECK(angle(10, 30) == doctest::Approx(0.5));
  CHECK(angle(190, 10) == 1);
  CHECK(angle(100, 10) == 1);  // the quirk: 90 degrees apart
  CHECK(angle(50, 5) == 1);    // 45 apart
  CHECK(angle(-50, -5) == 1);
  CHECK(angle(350, 35) == 1);  // 170, 80, 35
  CHECK(angle(40, -40) == doctest::Approx(0.125));
}

/// Steps 4 to 6 as they are written in docs/score.md, without any index.
std::vector<Sdc1Pair> plainMatch(const Sdc1Catalogue& a, const Sdc1Catalogue& t) {
  const auto k = [](double kind) { return kind == 1 ? 2.355 / 5 : kind == 3 ? std::sqrt(2.0) : 1; };
  std::map<double, Sdc1Pair> perId, perTruth;
  const auto better = [](const Sdc1Pair& x, const Sdc1Pair& y) { return x.error < y.error; };
  for (size_t i = 0; i < a.id.size(); ++i) {
    for (size_t j = 0; j < t.id.size(); ++j) {
      const double dx = a.raCore[i] - t.raCore[j], dy = a.decCore[i] - t.decCore[j];
      if (!(std::sqrt(dx * dx + dy * dy) <= a.convSize[i] / 3600)) continue;
      const double p =
          separationArcsec(a.raCore[i], a.decCore[i], t.raCore[j], t.decCore[j]) / t.convSize[j] / 0.93;
      const double q = std::abs(a.flux[i] - t.flux[j]) / t.flux[j] / 0.36;
      const double r =
          std::abs((t.bMaj[j] + t.bMin[j]) / 2 * k(t.size[j]) - (a.bMaj[i] + a.bMin[i]) / 2 * k(a.size[i])) /
          t.convSize[j] / 4.38;
      const Sdc1Pair pair{static_cast<int64_t>(i), static_cast<int64_t>(j), std::sqrt(p * p + q * q + r * r)};
      const auto [at, fresh] = perId.try_emplace(a.id[i], pair);
      if (!fresh && better(pair, at->second)) at->second = pair;
    }
  }
  for (const auto& [id, pair] : perId) {
    const auto [at, fresh] = perTruth.try_emplace(t.id[static_cast<size_t>(pair.truth)], pair);
    if (!fresh && better(pair, at->second)) at->second = pair;
  }
  std::map<double, Sdc1Pair> accepted;
  for (const auto& [id, pair] : perTruth) {
    if (pair.error < 5) accepted.emplace(a.id[static_cast<size_t>(pair.submitted)], pair);
  }
  std::vector<Sdc1Pair> out;
  for (const auto& [id, pair] : accepted) out.push_back(pair);
  return out;
}

TEST_CASE("crowded fields: as comparing everything with everything, with any number of threads") {
  std::mt19937 random(20190715);
  std::uniform_real_distribution<double> unit(0, 1);
  const auto draw = [&](size_t count) {
    std::vector<Row> rows;
    for (size_t i = 0; i < count; ++i) {
      rows.push_back({.id = std::floor(unit(random) * static_cast<double>(count) * 2),
                      .ra = 0.4 + 0.01 * unit(random),
                      .dec = -30 + 0.01 * unit(random),
                      .flux = std::exp(-7 - unit(random)),
                      .bMaj = 4 * unit(random),
                      .bMin = 4 * unit(random),
                      .pa = 360 * unit(random),
                      .size = 1 + std::floor(3 * unit(random))});
    }
    return catalogueOf(rows);
  };
  Sdc1Catalogue submission = draw(400), truth = draw(900);
  Sdc1Counts ignored;
  prepareSdc1(submission, {}, ignored);
  prepareSdc1(truth, {}, ignored);
  const std::vector<Sdc1Pair> expected = plainMatch(submission, truth);
  REQUIRE(expected.size() > 100);
  for (const int threads : {1, 4}) {
    int64_t bad = 0;
    const std::vector<Sdc1Pair> pairs = matchSdc1(submission, truth, {.threads = threads}, bad);
    REQUIRE(pairs.size() == expected.size());
    for (size_t i = 0; i < pairs.size(); ++i) {
      CHECK(pairs[i].submitted == expected[i].submitted);
      CHECK(pairs[i].truth == expected[i].truth);
      CHECK(pairs[i].error == doctest::Approx(expected[i].error).epsilon(1e-12));
    }
  }
}

class File {
 public:
  explicit File(const std::string& bytes)
      : path_(std::filesystem::temp_directory_path() / ("otf-sdc1-" + std::to_string(::getpid()))) {
    std::ofstream(path_) << bytes;
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }
  Sdc1Catalogue read() const { return readSdc1(path_.string()); }

 private:
  std::filesystem::path path_;
};

TEST_CASE("identifiers of 19 digits that differ in the last one are two") {
  const Sdc1Catalogue both = File(
                                 "id,ra,dec,flux,b_maj,b_min,pa\n5853498713190525697,0.5,-30,1e-3,2,1,10\n"
                                 "5853498713190525696,0.7,-30,1e-3,2,1,10\n")
                                 .read();
  const Sdc1Result result = scoreSdc1(both, both, {});
  CHECK(result.matches == 2);
  REQUIRE(result.rows.size() == 2);
  CHECK(result.rows[0].idDigits == "5853498713190525696");
  CHECK(result.rows[1].idTruthDigits == "5853498713190525697");
}

TEST_CASE("a position that is infinite is none") {
  const double infinite = std::numeric_limits<double>::infinity();
  const Sdc1Result result =
      score({Row{}}, {{.id = 1}, {.id = 2, .ra = infinite}, {.id = 3, .dec = -infinite}});
  CHECK(result.truth.unread == 2);
  CHECK(result.matches == 1);
}

TEST_CASE("units that a table says are turned into the challenge's") {
  const std::string head =
      "<VOTABLE><RESOURCE><TABLE><FIELD name='ra' datatype='double' unit='rad'/><FIELD name='dec' "
      "datatype='double' unit='deg'/><FIELD name='flux' datatype='double' unit='mJy'/><FIELD name='b_maj' "
      "datatype='double' unit='deg'/><FIELD name='b_min' datatype='double' unit='arcsec'/><FIELD name='pa' "
      "datatype='double'/><DATA><TABLEDATA><TR><TD>0.008726646259971648</TD><TD>-30</TD><TD>1</TD>"
      "<TD>0.0005555555555555556</TD><TD>1</TD><TD>10</TD></TR></TABLEDATA></DATA></TABLE></RESOURCE></"
      "VOTABLE>";
  const Sdc1Catalogue read = File(head).read();
  CHECK(read.raCore[0] == doctest::Approx(0.5));
  CHECK(read.raCent[0] == doctest::Approx(0.5));
  CHECK(read.flux[0] == doctest::Approx(1e-3));
  CHECK(read.bMaj[0] == doctest::Approx(2));
  CHECK(read.bMin[0] == 1);
}

}  // namespace
}  // namespace otf::score
