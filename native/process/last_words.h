// How a process ended and what its library said last, for users.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace otf::process {

/// "exited with code 1", "was ended by SIGSEGV (Segmentation fault)". `status` is waitpid's.
std::string describeExit(int status);

/// The last lines that are not empty, at most `most`, without control characters; long ones are cut.
std::vector<std::string> lastLines(std::string_view log, size_t most);

/// ": " and the last thing said that looks like an error, else the last line; "" for an empty log. Never
/// more than a few hundred characters.
std::string lastWords(std::string_view log);

}  // namespace otf::process
