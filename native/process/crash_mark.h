// What a process leaves behind when it ends by its own fault, for the one that comes after it.
#pragma once

#include <string>

namespace otf::process {

/// From now on, a signal that says that this process has gone wrong (SIGSEGV, SIGABRT, ...) adds a line "signal N" to the
/// file and then does what it did before. Whoever is killed from outside leaves nothing. The file is made where there is
/// none; a second call only changes the file. Throws OtfError(kOutputUnwritable).
void markCrashes(const std::string& path);

/// The calling thread can say so, too, when its stack has run over: it gets one for signals (sigaltstack(2)), unless it
/// has one, for as long as it lives.
void ensureSignalStack();

}  // namespace otf::process
