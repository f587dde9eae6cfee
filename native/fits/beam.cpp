#include "fits/beam.h"

#include <cmath>
#include <cstdlib>

#include "error/error.h"
#include "fits/byte_source.h"
#include "fits/header_cards.h"

namespace otf::fits {
namespace {

[[noreturn]] void reject(const std::string& label, const std::string& what) {
  throw OtfError(Code::kBeamInvalid, label + ": " + what);
}

/// The number at the start of `field`; Fortran's D exponents are legal (FITS Standard 4.0, 4.2.4).
std::optional<double> leadingNumber(std::string_view field, size_t* used) {
  std::string text(field);
  for (char& c : text) {
    if (c == 'D' || c == 'd') c = 'E';
  }
  char* end = nullptr;
  const double number = std::strtod(text.c_str(), &end);
  *used = static_cast<size_t>(end - text.c_str());
  if (*used == 0) return std::nullopt;
  return number;
}

std::optional<double> cardNumber(std::string_view cards, std::string_view keyword, const std::string& label) {
  for (size_t at = 0; at + kCardBytes <= cards.size(); at += kCardBytes) {
    const std::string_view card = cards.substr(at, kCardBytes);
    if (!card.starts_with(std::string(keyword) + std::string(8 - keyword.size(), ' ') + "=")) continue;
    std::string_view field = card.substr(9);
    field = field.substr(0, field.find('/'));
    const size_t begin = field.find_first_not_of(' ');
    if (begin == std::string_view::npos) return std::nullopt;  // value undefined (4.1.2.3): as if absent
    field = field.substr(begin, field.find_last_not_of(' ') - begin + 1);
    size_t used = 0;
    const std::optional<double> number = leadingNumber(field, &used);
    if (!number || used != field.size() || !std::isfinite(*number)) {
      reject(label, std::string(keyword) + " = " + printable(field) + " is not a number");
    }
    return number;
  }
  return std::nullopt;
}

/// AIPS writes its beam as text: "HISTORY AIPS   CLEAN BMAJ=  1.7000E-03 BMIN=  1.6000E-03 BPA=   4.10".
std::optional<Beam> aipsBeam(std::string_view cards) {
  std::optional<Beam> found;
  for (size_t at = 0; at + kCardBytes <= cards.size(); at += kCardBytes) {
    const std::string_view card = cards.substr(at, kCardBytes);
    if (!card.starts_with("HISTORY AIPS") || card.find("CLEAN") == std::string_view::npos) continue;
    Beam beam;
    bool complete = true;
    const auto take = [&](std::string_view name, double& target) {
      const size_t place = card.find(name);
      size_t used = 0;
      const auto number = place == std::string_view::npos
                              ? std::nullopt
                              : leadingNumber(card.substr(place + name.size()), &used);
      complete = complete && number.has_value();
      target = number.value_or(0);
    };
    take("BMAJ=", beam.bmajDeg);
    take("BMIN=", beam.bminDeg);
    take("BPA=", beam.bpaDeg);
    if (complete) found = beam;
  }
  return found;
}

std::string shown(double number) {
  char text[32];
  std::snprintf(text, sizeof text, "%g", number);
  return text;
}

}  // namespace

std::optional<Beam> readBeam(std::string_view cards, const std::string& label,
                             std::vector<std::string>& warnings) {
  const std::optional<double> bmaj = cardNumber(cards, "BMAJ", label);
  const std::optional<double> bmin = cardNumber(cards, "BMIN", label);
  const std::optional<double> bpa = cardNumber(cards, "BPA", label);
  Beam beam;
  if (bmaj) {
    if (!bmin) warnings.push_back("BMAJ without BMIN: the beam is taken as circular");
    if (bmin && !bpa && *bmin != *bmaj)
      warnings.push_back("BMAJ without BPA: the beam's position angle is taken as 0");
    beam = {*bmaj, bmin.value_or(*bmaj), bpa.value_or(0)};
  } else if (bmin) {
    reject(label, "BMIN without BMAJ");
  } else if (const std::optional<Beam> aips = aipsBeam(cards)) {
    beam = *aips;
    warnings.push_back("the beam is taken from the HISTORY cards of AIPS");
  } else {
    return std::nullopt;
  }
  if (!(beam.bmajDeg >= beam.bminDeg && beam.bminDeg > 0) || !std::isfinite(beam.bmajDeg) ||
      !std::isfinite(beam.bpaDeg)) {
    reject(label, "BMAJ = " + shown(beam.bmajDeg) + ", BMIN = " + shown(beam.bminDeg) + ", BPA = " +
                      shown(beam.bpaDeg) + " is not a beam (BMAJ >= BMIN > 0 is needed, in degrees)");
  }
  return beam;
}

}  // namespace otf::fits
