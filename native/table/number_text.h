// Numbers as people and parsers read them.
#pragma once

#include <string>

namespace otf {

/// Appends the shortest decimal that reads back as the same value, laid out as ECMAScript does (ECMA-262,
/// Number::toString): plain from 1e-6 up to 1e21, with an exponent beyond. Finite values only.
void appendNumber(std::string& out, double value);
void appendNumber(std::string& out, float value);

}  // namespace otf
