// Units of axes, through wcslib.
// Source: FITS Standard 4.0, section 4.3; WCS paper I, section 4.
#pragma once

#include <optional>
#include <string>

namespace otf::sky {

/// How many `want` one `have` is: unitFactor("MHz", "Hz") = 1e6. Also as others write them (MHZ, SEC). nullopt: it is no such
/// unit, or no mere multiple. Thread-safe.
std::optional<double> unitFactor(const std::string& have, const std::string& want);

}  // namespace otf::sky
