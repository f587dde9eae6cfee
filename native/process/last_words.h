// How a process ended and what its library said last, in one line for a user.
#pragma once

#include <string>
#include <string_view>

namespace otf::process {

/// "exited with code 1", "was ended by signal 11 (Segmentation fault)". `status` is waitpid's.
std::string describeExit(int status);

/// ": " and the last thing said that looks like an error, else the last line; "" for an empty log. Terminal
/// control sequences are removed; never more than a few hundred characters.
std::string lastWords(std::string_view log);

}  // namespace otf::process
