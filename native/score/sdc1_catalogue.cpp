// Steps 1 to 3 of docs/score.md.
#include <algorithm>
#include <cctype>
#include <cmath>
#include <numeric>
#include <optional>
#include <string_view>

#include "catalogue/units.h"
#include "error/error.h"
#include "score/sdc1.h"

namespace otf::score {
namespace {

/// A column of the challenge: what it may be called, and what stands in for one that a catalogue has not.
struct Known {
  std::vector<std::string> names;
  std::string unit = {};
  std::optional<double> fill = {};
  std::string_view fillText = {};
  bool shared = false;  // one column may stand for two of the challenge's
};

// Names of the challenge's files, then of catalogues written here; what the authors of the published network filled in
// (Cornu et al. 2024).
const std::array<Known, 12> kColumns{{{{"id"}},
                                      {{"ra_core", "ra(core)", "ra"}, "deg", {}, {}, true},
                                      {{"dec_core", "dec(core)", "dec"}, "deg", {}, {}, true},
                                      {{"ra_cent", "ra(centroid)", "ra"}, "deg", {}, {}, true},
                                      {{"dec_cent", "dec(centroid)", "dec"}, "deg", {}, {}, true},
                                      {{"flux_corrected", "flux"}, "Jy"},
                                      {{"core_frac", "core frac"}, "", 0.0375, "0.0375"},
                                      {{"b_maj", "bmaj"}, "arcsec"},
                                      {{"b_min", "bmin"}, "arcsec"},
                                      {{"pa"}, "deg"},
                                      {{"size"}, "", 2.0, "2, Gaussian"},
                                      {{"class"}, "", 3.0, "3, star-forming galaxy"}}};

bool isOneOf(const std::string& name, const std::vector<std::string>& names) {
  std::string small = name;
  std::ranges::transform(small, small.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return std::ranges::count(names, small) > 0;
}

CatalogueColumn* firstOf(Catalogue& table, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    const auto found = std::ranges::find_if(
        table.columns, [&](const CatalogueColumn& column) { return isOneOf(column.name, {name}); });
    if (found != table.columns.end()) return &*found;
  }
  return nullptr;
}

struct Area {
  double raMin, raMax, decMin, decMax;  // deg, of the training area
};

Area areaOf(Sdc1Frequency frequency) {
  switch (frequency) {
    case Sdc1Frequency::k560:
      return {-0.6723, 0, -29.9400, -29.4061};
    case Sdc1Frequency::k1400:
      return {-0.2688, 0, -29.9400, -29.7265};
    case Sdc1Frequency::k9200:
      return {-0.04092, 0, -29.9400, -29.9074};
  }
  return {};
}

double megahertz(Sdc1Frequency frequency) {
  switch (frequency) {
    case Sdc1Frequency::k560:
      return 560;
    case Sdc1Frequency::k1400:
      return 1400;
    case Sdc1Frequency::k9200:
      return 9200;
  }
  return 0;
}

template <typename Keep>
void keepRows(Sdc1Catalogue& catalogue, Keep keep) {
  std::vector<int64_t> rows;
  for (int64_t i = 0; i < catalogue.rows(); ++i) {
    if (keep(static_cast<size_t>(i))) rows.push_back(i);
  }
  if (static_cast<int64_t>(rows.size()) == catalogue.rows()) return;
  for (std::vector<double>* column : catalogue.columns()) {
    for (size_t i = 0; i < rows.size(); ++i) (*column)[i] = (*column)[static_cast<size_t>(rows[i])];
    column->resize(rows.size());
  }
  if (catalogue.idDigits.empty()) return;
  for (size_t i = 0; i < rows.size(); ++i)
    catalogue.idDigits[i] = std::move(catalogue.idDigits[static_cast<size_t>(rows[i])]);
  catalogue.idDigits.resize(rows.size());
}

/// Of whole numbers in digits.
bool isLess(const std::string& a, const std::string& b) {
  const bool negative = a.starts_with('-');
  if (negative != b.starts_with('-')) return negative;
  if (a.size() != b.size()) return (a.size() < b.size()) != negative;
  return negative ? b < a : a < b;
}

/// Identifiers that a double rounds become ranks: what is equal stays so, in the same order.
void rankIds(Sdc1Catalogue& catalogue) {
  std::vector<std::string> sorted = catalogue.idDigits;
  std::ranges::sort(sorted, isLess);
  sorted.erase(std::ranges::unique(sorted).begin(), sorted.end());
  for (size_t i = 0; i < catalogue.id.size(); ++i) {
    const auto place = std::ranges::lower_bound(sorted, catalogue.idDigits[i], isLess) - sorted.begin();
    if (!catalogue.idDigits[i].empty()) catalogue.id[i] = static_cast<double>(place);
  }
}

/// Quirk: zeros are dropped too, but only from a column that has a value below zero.
void dropNegatives(Sdc1Catalogue& catalogue) {
  for (auto column :
       {&Sdc1Catalogue::flux, &Sdc1Catalogue::coreFrac, &Sdc1Catalogue::bMin, &Sdc1Catalogue::bMaj}) {
    const std::vector<double>& values = catalogue.*column;
    if (std::ranges::none_of(values, [](double value) { return value < 0; })) continue;
    keepRows(catalogue, [&](size_t i) { return values[i] > 0; });
  }
}

}  // namespace

std::array<std::vector<double>*, 12> Sdc1Catalogue::columns() {
  return {&id, &raCore, &decCore, &raCent, &decCent, &flux, &coreFrac, &bMaj, &bMin, &pa, &size, &type};
}

double sdc1BeamArcsec(Sdc1Frequency frequency) { return 0.25 * 1400 / megahertz(frequency); }

Sdc1Catalogue readSdc1(const std::string& path, const CatalogueLimits& limits) {
  // colN is what a column without a name is called.
  const auto wanted = [](size_t index, const std::string& name) {
    if (name == "col" + std::to_string(index + 1)) return index < kColumns.size();
    return std::ranges::any_of(kColumns, [&](const Known& known) { return isOneOf(name, known.names); });
  };
  Catalogue table = readCatalogue(path, wanted, limits);
  Sdc1Catalogue catalogue;
  const auto columns = catalogue.columns();
  if (!table.named && table.columns.size() < columns.size()) {
    throw OtfError(Code::kTableColumn, table.label + " has " + std::to_string(table.columns.size()) +
                                           " columns without names, the challenge's catalogues have 12");
  }
  for (size_t c = 0; c < columns.size(); ++c) {
    const Known& known = kColumns[c];
    CatalogueColumn* from = table.named ? firstOf(table, known.names) : &table.columns[c];
    if (from && !from->isText) {
      const double factor = known.unit.empty() ? 1 : factorTo(table, *from, known.unit);
      *columns[c] = known.shared ? from->numbers : std::move(from->numbers);
      if (factor != 1) std::ranges::for_each(*columns[c], [factor](double& value) { value *= factor; });
      if (c == 0) catalogue.idDigits = std::move(from->digits);
    } else if (c == 0) {
      columns[c]->resize(static_cast<size_t>(table.rows));
      std::iota(columns[c]->begin(), columns[c]->end(), 1.0);
      catalogue.filled.emplace_back("id: the number of the row");
    } else if (known.fill) {
      columns[c]->assign(static_cast<size_t>(table.rows), *known.fill);
      catalogue.filled.push_back(known.names.front() + ": " + std::string(known.fillText));
    } else {
      table.numbers(known.names);  // throws, naming what there is
    }
  }
  if (!catalogue.idDigits.empty()) rankIds(catalogue);
  return catalogue;
}

void prepareSdc1(Sdc1Catalogue& catalogue, const Sdc1Options& options, Sdc1Counts& counts) {
  counts.read = catalogue.rows();
  const std::array places{&catalogue.raCore, &catalogue.decCore, &catalogue.raCent, &catalogue.decCent};
  const auto columns = catalogue.columns();
  keepRows(catalogue, [&](size_t i) {
    const bool isPlaced =
        std::ranges::all_of(places, [i](auto* place) { return std::isfinite((*place)[i]); });
    return isPlaced && std::ranges::none_of(columns, [i](auto* c) { return std::isnan((*c)[i]); });
  });
  counts.unread = counts.read - catalogue.rows();
  dropNegatives(catalogue);
  for (std::vector<double>* ra : {&catalogue.raCore, &catalogue.raCent}) {
    for (double& value : *ra) value = value > 180 ? value - 360 : value;
  }
  const Area area = areaOf(options.frequency);
  keepRows(catalogue, [&](size_t i) {
    const double ra = catalogue.raCore[i], dec = catalogue.decCore[i];
    const bool inside = ra > area.raMin && ra < area.raMax && dec > area.decMin && dec < area.decMax;
    const bool outside = ra < area.raMin || ra > area.raMax || dec < area.decMin || dec > area.decMax;
    return options.train ? inside : outside;
  });
  counts.kept = catalogue.rows();

  const double beam = sdc1BeamArcsec(options.frequency);
  catalogue.convSize.resize(static_cast<size_t>(catalogue.rows()));
  for (size_t i = 0; i < catalogue.convSize.size(); ++i) {
    const double kind = catalogue.size[i];
    const double k = kind == 1 ? 2.355 / 5 : kind == 3 ? std::sqrt(2.0) : 1;
    catalogue.convSize[i] = std::hypot(std::max(catalogue.bMaj[i], catalogue.bMin[i]) * k, beam);
  }
}

}  // namespace otf::score
