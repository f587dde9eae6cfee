// What the engine process (otf-engine) and its parent say to each other. One process holds one network on one engine.
//
//   parent                                     otf-engine
//     │ spawn, descriptors 3, 4, 5                 │
//     │ ◄──────────────── ready {json}  or  error OTF_CODE message, then exit 1
//     │ write items into a slot                    │
//     │ forward SLOT COUNT ──────────────►         │  reads the slot's input, writes its output
//     │ ◄──────────────── done SLOT SECONDS MEMORYBYTES
//     │ quit, or close descriptor 4 ─────►         │  exit 0
//
// Arguments (all but those in brackets required; numbers in plain decimal form):
//   --network FILE --engine NAME --quantization TYPE --threads N --input-bias B [--raw-output]
//   --width W --height H [--depth D] --batch N --slots N --slot-bytes BYTES [--draws N --draw-seed S: see draws/] [--calibration FILE: what INT8 needs]
//   [--network-sha256 HEX] [--calibration-sha256 HEX]: the files as results name them, others are refused
// NAME: onednn, reference, cianna, cianna:cuda, cianna:blas, cianna:naiv; with OTF_DEBUG_ENGINES=1 also crash.
// threads 0: the CPUs the process may use. The network runs at exactly this tile size; COUNT may be less than
// the batch. `otf-engine --describe NAME` says `described {json}` and ends; it needs descriptor 5 only.
//
// Descriptors: 3 the slots' memory (memfd, tensor/slots.h, BYTES each), 4 commands, 5 replies. Standard
// output and error are the log of whatever library runs inside; the protocol never uses them. A parent keeps
// their last lines: when the process ends without being told to, whatever its exit code, they are the reason.
//
// Commands, one line each. Replies come in their order; an engine may work on the next forward before it has
// answered the one before, every other command waits for those before it.
//   forward SLOT COUNT                  -> done SLOT SECONDS MEMORYBYTES
//                                          seconds since it began, or since the answer before, if that was later
//   forward SLOT COUNT mc REPEATS SEED  -> the same; mean in the output, standard deviation in the deviation region
//   bench SLOT COUNT REPEATS            -> benched {"ownSeconds":..,"bridgeSeconds":..,"overheadSeconds":..}
//                                          (cianna only)
//   ping                                -> pong
//   quit                                -> exit 0
// Any command can be answered `error OTF_CODE message` (error/error.h); the process stays usable. After an error inside the
// engine's library it would not be: it ends, and that error is its last words.
//
// ready:     {"engine","version","device","asked","effective": text,
//             "threads","memoryBytes","valuesIn","valuesOut","outputOffset","deviationOffset": number}
// described: {"available": 0|1, "reason","version","device","types","origin": text; types separated
//             by blanks; origin: where a library of the user's is}
//
// The process dies with the thread that started it (PR_SET_PDEATHSIG): start it from one that lives as long.
#pragma once

#include <cstddef>
#include <cstdint>

namespace otf::process {

/// A network that is handed over rather than named by a path.
constexpr int kNetworkFd = 6;

/// Where tensors lie in a slot: input [batch][values in], output and deviation [batch][values out], float32, each
/// beginning on a page. Pages that are never touched take no memory, so the deviation region costs nothing unless used.
struct SlotLayout {
  size_t outputOffset = 0, deviationOffset = 0, bytes = 0;
};

/// Throws kInvalidArgument when a count is not positive or the sizes overflow.
SlotLayout slotLayout(int batch, int64_t valuesIn, int64_t valuesOut);

}  // namespace otf::process
