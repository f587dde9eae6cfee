#include "fits/beam.h"

#include <array>
#include <cmath>
#include <cstdio>

#include "fits/header_cards.h"
#include "fits/header_values.h"

namespace otf::fits {
namespace {

/// A keyword of the beam. `usable`: absent, or a number.
struct BeamCard {
  std::optional<double> number;
  bool usable = true;
};

BeamCard readCard(std::string_view cards, const std::string& keyword, std::vector<std::string>& warnings) {
  const CardValue value = findValue(cards, keyword);
  if (value.kind == CardValue::Kind::kAbsent) return {};
  if (value.kind == CardValue::Kind::kUndefined) {
    warnings.push_back(keyword + " has no value: it is taken as absent");
    return {};
  }
  if (const std::optional<double> number = numberOf(value)) return {number};
  warnings.push_back(keyword + " = " + value.text + " is not a number: the beam is left out");
  return {std::nullopt, false};
}

/// "HISTORY AIPS   CLEAN BMAJ=  1.7000E-03 BMIN=  1.6000E-03 BPA=   4.10": the number behind a name.
std::optional<double> numberBehind(std::string_view card, std::string_view name) {
  const size_t place = card.find(name);
  if (place == std::string_view::npos) return std::nullopt;
  std::string_view rest = card.substr(place + name.size());
  rest = rest.substr(std::min(rest.find_first_not_of(' '), rest.size()));
  return parseNumber(rest.substr(0, rest.find(' ')));
}

std::optional<Beam> aipsBeam(std::string_view cards) {
  std::optional<Beam> found;
  for (size_t at = 0; at + kCardBytes <= cards.size(); at += kCardBytes) {
    const std::string_view card = cards.substr(at, kCardBytes);
    if (!card.starts_with("HISTORY AIPS") || card.find("CLEAN") == std::string_view::npos) continue;
    const auto bmaj = numberBehind(card, "BMAJ="), bmin = numberBehind(card, "BMIN="),
               bpa = numberBehind(card, "BPA=");
    if (bmaj && bmin && bpa) found = Beam{*bmaj, *bmin, *bpa};
  }
  return found;
}

std::string shown(double number) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%g", number);
  return text.data();
}

std::optional<Beam> beamOfCards(std::string_view cards, std::vector<std::string>& warnings) {
  const BeamCard bmaj = readCard(cards, "BMAJ", warnings), bmin = readCard(cards, "BMIN", warnings),
                 bpa = readCard(cards, "BPA", warnings);
  if (!bmaj.usable || !bmin.usable || !bpa.usable) return std::nullopt;
  if (!bmaj.number) {
    if (const std::optional<Beam> aips = aipsBeam(cards)) {
      warnings.push_back("the beam is taken from the HISTORY cards of AIPS");
      return aips;
    }
    if (bmin.number) warnings.push_back("BMIN without BMAJ is no beam: it is left out");
    return std::nullopt;
  }
  if (!bmin.number) warnings.push_back("BMAJ without BMIN: the beam is taken as circular");
  if (bmin.number && !bpa.number && *bmin.number != *bmaj.number)
    warnings.push_back("BMAJ without BPA: the beam's position angle is taken as 0");
  return Beam{*bmaj.number, bmin.number.value_or(*bmaj.number), bpa.number.value_or(0)};
}

}  // namespace

std::optional<Beam> readBeam(std::string_view cards, std::vector<std::string>& warnings) {
  const std::optional<Beam> beam = beamOfCards(cards, warnings);
  if (!beam || (beam->bmajDeg >= beam->bminDeg && beam->bminDeg > 0)) return beam;
  warnings.push_back("BMAJ = " + shown(beam->bmajDeg) + ", BMIN = " + shown(beam->bminDeg) +
                     " is no beam (BMAJ >= BMIN > 0 is needed, in degrees): it is left out");
  return std::nullopt;
}

}  // namespace otf::fits
