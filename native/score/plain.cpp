#include "score/plain.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <optional>

#include "catalogue/catalogue.h"
#include "catalogue/units.h"
#include "error/error.h"
#include "score/sky_match.h"

namespace otf::score {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kArcsec = 3600;

double medianOf(std::vector<double>& values) {
  const size_t half = values.size() / 2;
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(half), values.end());
  const double upper = values[half];
  if (values.size() % 2 == 1) return upper;
  return (*std::max_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(half)) + upper) / 2;
}

/// Of the finite ones.
Spread spreadOf(std::vector<double> values) {
  std::erase_if(values, [](double value) { return !std::isfinite(value); });
  Spread spread{static_cast<int64_t>(values.size()), kNaN, kNaN};
  if (values.empty()) return spread;
  spread.median = medianOf(values);
  for (double& value : values) value = std::abs(value - spread.median);
  spread.deviation = 1.4826 * medianOf(values);
  return spread;
}

double valueAt(const std::vector<double>& column, int64_t row) {
  return column.empty() ? kNaN : column[static_cast<size_t>(row)];
}

SkyPoints points(const PlainCatalogue& catalogue) { return {catalogue.raDeg, catalogue.decDeg}; }

/// What differs between the two rows of a match.
struct Residual {
  double ra, dec, separation, fluxRatio, raPull, decPull, fluxPull;
};

Residual residualOf(const PlainCatalogue& found, const PlainCatalogue& truth, const Pair& pair) {
  Residual it{};
  const double decTruth = valueAt(truth.decDeg, pair.b);
  const double turn = std::remainder(valueAt(found.raDeg, pair.a) - valueAt(truth.raDeg, pair.b), 360.0);
  it.ra = turn * std::cos(decTruth * std::numbers::pi / 180) * kArcsec;
  it.dec = (valueAt(found.decDeg, pair.a) - decTruth) * kArcsec;
  it.separation = pair.separation;
  const double flux = valueAt(found.flux, pair.a), fluxTruth = valueAt(truth.flux, pair.b);
  it.fluxRatio = flux / fluxTruth;
  it.raPull = it.ra / valueAt(found.raErrorArcsec, pair.a);
  it.decPull = it.dec / valueAt(found.decErrorArcsec, pair.a);
  it.fluxPull = (flux - fluxTruth) / valueAt(found.fluxError, pair.a);
  return it;
}

class Scorer {
 public:
  Scorer(const PlainCatalogue& found, const PlainCatalogue& truth, const PlainOptions& options)
      : found_(found), truth_(truth), options_(options) {
    if (options.minSnr > 0 && truth.snr.empty()) {
      throw OtfError(
          Code::kTableColumn,
          "the truth has no column of numbers named peak_snr, which --min-snr goes by: leave it out");
    }
    pairs_ = pairsWithin(points(found), points(truth), options.radiusArcsec, options.threads);
    for (const Pair& pair : pairs_) distances_.push_back(pair.separation);
  }

  PlainResult score() {
    PlainResult result;
    result.warnings = found_.warnings;
    result.warnings.insert(result.warnings.end(), truth_.warnings.begin(), truth_.warnings.end());
    compareUnits(result);
    result.detections = countOf(found_);
    result.truths = countOf(truth_);
    const std::vector<Pair> matches = match({});
    result.matches = static_cast<int64_t>(matches.size());
    for (int64_t t = 0; t < result.truths; ++t) result.counted += counts(t) ? 1 : 0;
    result.all = bin(matches, {}, -1);
    const std::vector<double> edges = logEdges(truth_.flux, options_.bins);
    for (int b = 0; b + 1 < static_cast<int>(edges.size()); ++b)
      result.bins.push_back(bin(matches, edges, b));
    result.thresholds = thresholds();
    return result;
  }

 private:
  static int64_t countOf(const PlainCatalogue& catalogue) {
    return static_cast<int64_t>(catalogue.raDeg.size());
  }

  std::vector<Pair> match(const std::vector<uint8_t>& used) const {
    return closestPairs(pairs_, distances_, found_.raDeg.size(), truth_.raDeg.size(), used);
  }

  void compareUnits(PlainResult& result) const {
    result.fluxUnit = truth_.fluxUnit.empty() ? found_.fluxUnit : truth_.fluxUnit;
    if (found_.fluxUnit == truth_.fluxUnit) return;
    if (!found_.fluxUnit.empty() && !truth_.fluxUnit.empty()) {
      throw OtfError(Code::kUnitMismatch, "flux densities are in " + found_.fluxUnit +
                                              " in one catalogue and in " + truth_.fluxUnit +
                                              " in the other");
    }
    result.warnings.push_back(std::string(found_.fluxUnit.empty() ? "the submission" : "the truth") +
                              " does not say the unit of its flux densities: taken as " + result.fluxUnit);
  }

  bool counts(int64_t truthRow) const {
    return truth_.snr.empty() || valueAt(truth_.snr, truthRow) >= options_.minSnr;
  }

  /// Of one bin of flux, or of all for bin -1.
  PlainBin bin(const std::vector<Pair>& matches, const std::vector<double>& edges, int wanted) const {
    const auto inside = [&](const std::vector<double>& flux, int64_t row) {
      return wanted < 0 || binOf(edges, valueAt(flux, row)) == wanted;
    };
    PlainBin out{};
    out.fluxLow = wanted < 0 ? kNaN : edges[static_cast<size_t>(wanted)];
    out.fluxHigh = wanted < 0 ? kNaN : edges[static_cast<size_t>(wanted) + 1];
    int64_t truths = 0, detections = 0, foundTruths = 0, trueDetections = 0;
    for (int64_t t = 0; t < countOf(truth_); ++t) truths += counts(t) && inside(truth_.flux, t) ? 1 : 0;
    for (int64_t d = 0; d < countOf(found_); ++d) detections += inside(found_.flux, d) ? 1 : 0;
    std::vector<Residual> residuals;
    for (const Pair& pair : matches) {
      trueDetections += inside(found_.flux, pair.a) ? 1 : 0;
      if (!inside(truth_.flux, pair.b) || !counts(pair.b)) continue;
      ++foundTruths;
      residuals.push_back(residualOf(found_, truth_, pair));
    }
    out.completeness = fractionOf(foundTruths, truths);
    out.purity = fractionOf(trueDetections, detections);
    const auto spread = [&](double Residual::* member) {
      std::vector<double> values;
      for (const Residual& residual : residuals) values.push_back(residual.*member);
      return spreadOf(std::move(values));
    };
    out.ra = spread(&Residual::ra);
    out.dec = spread(&Residual::dec);
    out.separation = spread(&Residual::separation);
    out.fluxRatio = spread(&Residual::fluxRatio);
    out.raPull = spread(&Residual::raPull);
    out.decPull = spread(&Residual::decPull);
    out.fluxPull = spread(&Residual::fluxPull);
    return out;
  }

  std::vector<PlainThreshold> thresholds() const {
    std::vector<double> ranks = found_.rank;
    std::erase_if(ranks, [](double rank) { return !std::isfinite(rank); });
    if (ranks.empty()) return {};
    std::ranges::sort(ranks);
    int64_t truths = 0;
    for (int64_t t = 0; t < countOf(truth_); ++t) truths += counts(t) ? 1 : 0;
    std::vector<PlainThreshold> out;
    for (int i = 0; i < options_.thresholds; ++i) {
      const double rank =
          ranks[ranks.size() * static_cast<size_t>(i) / static_cast<size_t>(options_.thresholds)];
      if (!out.empty() && out.back().rank == rank) continue;
      std::vector<uint8_t> used(found_.rank.size());
      int64_t detections = 0;
      for (size_t d = 0; d < used.size(); ++d) detections += used[d] = found_.rank[d] >= rank;
      const std::vector<Pair> matches = match(used);
      int64_t foundTruths = 0;
      for (const Pair& pair : matches) foundTruths += counts(pair.b) ? 1 : 0;
      out.push_back({rank, detections, fractionOf(foundTruths, truths),
                     fractionOf(static_cast<int64_t>(matches.size()), detections)});
    }
    return out;
  }

  const PlainCatalogue &found_, &truth_;
  const PlainOptions& options_;
  std::vector<Pair> pairs_;
  std::vector<double> distances_;
};

/// In arcsec, by the unit the column says; none, and a warning, where it says no unit of angles.
std::vector<double> arcsec(const Catalogue& table, const std::string& name,
                           std::vector<std::string>& warnings) {
  const CatalogueColumn* column = table.find(name);
  if (!column || column->isText) return {};
  const std::optional<double> factor = unitFactor(column->unit, "arcsec");
  if (!factor) {
    warnings.push_back(table.label + ": " + name + " has no unit such as arcsec: there are no pulls of it");
    return {};
  }
  std::vector<double> values = column->numbers;
  for (double& value : values) value *= *factor;
  return values;
}

std::vector<double> numbersOf(const CatalogueColumn* column) {
  return column && !column->isText ? column->numbers : std::vector<double>{};
}

/// In Jy, when the unit is one of those, and `unit` says so then.
std::vector<double> inJansky(std::vector<double> values, std::string& unit) {
  const std::optional<double> factor = unitFactor(unit, "Jy");
  if (!factor) return values;
  for (double& value : values) value *= *factor;
  unit = "Jy";
  return values;
}

/// Errors of flux densities, by their own unit; that of the flux densities where they say none. None, and a warning, where
/// the two have nothing to do with each other.
std::vector<double> fluxErrors(const Catalogue& table, const CatalogueColumn& flux,
                               std::vector<std::string>& warnings) {
  const CatalogueColumn* column = table.find(flux.name + "_err");
  if (!column || column->isText) return {};
  std::string wanted = flux.unit, unit = column->unit.empty() ? flux.unit : column->unit;
  inJansky({}, wanted);
  std::vector<double> values = inJansky(column->numbers, unit);
  if (unit == wanted) return values;
  warnings.push_back(table.label + ": " + column->name + " is in " + unit + ", " + flux.name + " in " +
                     (wanted.empty() ? "no unit" : wanted) + ": there are no pulls of it");
  return {};
}

}  // namespace

PlainResult scorePlain(const PlainCatalogue& found, const PlainCatalogue& truth,
                       const PlainOptions& options) {
  return Scorer(found, truth, options).score();
}

PlainCatalogue readPlain(const std::string& path, const PlainColumns& columns) {
  const Catalogue table = readCatalogue(path);
  PlainCatalogue catalogue;
  const auto chosen = [](const std::string& name, std::vector<std::string> otherwise) {
    if (name.empty()) return otherwise;
    return std::vector{name};
  };
  // Of numbers, and the first of these names; it throws where there is none.
  const auto columnOf = [&](const std::vector<std::string>& names) -> const CatalogueColumn& {
    table.numbers(names);
    return *table.find(*std::ranges::find_if(names, [&](const auto& name) { return table.find(name); }));
  };
  const auto degrees = [&](const std::vector<std::string>& names) {
    const CatalogueColumn& column = columnOf(names);
    const double factor = factorTo(table, column, "deg");
    std::vector<double> values = column.numbers;
    for (double& value : values) value *= factor;
    return values;
  };
  catalogue.raDeg = degrees(chosen(columns.ra, {"ra", "ra_core", "raj2000"}));
  catalogue.decDeg = degrees(chosen(columns.dec, {"dec", "dec_core", "dej2000", "dec_j2000"}));
  const CatalogueColumn& flux = columnOf(chosen(columns.flux, {"flux"}));
  catalogue.fluxUnit = flux.unit;
  catalogue.flux = inJansky(flux.numbers, catalogue.fluxUnit);
  catalogue.fluxError = fluxErrors(table, flux, catalogue.warnings);
  catalogue.raErrorArcsec = arcsec(table, "ra_err", catalogue.warnings);
  catalogue.decErrorArcsec = arcsec(table, "dec_err", catalogue.warnings);
  catalogue.rank = columns.rank.empty() ? numbersOf(table.find("objectness")) : table.numbers({columns.rank});
  catalogue.snr = numbersOf(table.find("peak_snr"));
  return catalogue;
}

}  // namespace otf::score
