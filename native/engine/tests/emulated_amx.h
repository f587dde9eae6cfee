// AMX on CPUs that have none, for tests: its instructions raise SIGILL there, and are carried out by whoever handles it. What tiles
// read and write in memory is seen by AddressSanitizer then, which real ones go around.
#pragma once

namespace otf::test {

/// From now on products of tiles work in this test case, whose signals are doctest's at its beginning: by the CPU where it can,
/// else emulated, about 1 us an instruction. Needs AVX-512.
void provideAmx();

/// And while this is there, engines that are made take it for theirs; with `winograd` for convolutions by transforms, too.
class AmxThere {
 public:
  explicit AmxThere(bool winograd = false);
  ~AmxThere();
  AmxThere(const AmxThere&) = delete;
  AmxThere& operator=(const AmxThere&) = delete;
};

}  // namespace otf::test
