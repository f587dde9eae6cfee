// What an otf-reader and its parent say to each other. One process decodes one compressed image at a time.
//
//   parent                                     otf-reader
//     │ spawn, descriptors 3, 4, 5                 │
//     │ ◄──────────────── ready
//     │ open ... + descriptor ───────────►         │  reads the headers again, opens with CFITSIO
//     │ ◄──────────────── opened
//     │ read X Y COLUMNS ROWS ───────────►         │  decodes into the window
//     │ ◄──────────────── done
//     │ close, or the next open ─────────►         │  lets go of the file
//     │ close descriptor 4 ──────────────►         │  exit 0
//
// Arguments: --window-bytes BYTES --seconds N (processor time of one command).
// Descriptors: 3 the window (memfd, tensor/slots.h: one slot), 4 commands, 5 replies (process/wire.h). Standard output
// and error are the log.
//
// Commands, one line each, answered in order:
//   open HDU X Y AXES AT... LABEL     the file comes as a descriptor beside the line. HDU and axes count from 0; AT is the
//                                     plane's position on each of AXES axes; LABEL is the rest of the line
//     -> opened
//   read X Y COLUMNS ROWS             a window of the plane, at most WINDOW_BYTES of float32
//     -> done; out[row * COLUMNS + column] at the window's begin
//   close -> closed
// Any command can be answered `error OTF_CODE message`. After an error to `read` the process may have lost memory inside
// CFITSIO: start another.
#pragma once

#include <cstddef>
#include <cstdint>

namespace otf::fits {

/// Rows of pixels that one command gives: large enough for the round trip not to count.
constexpr size_t kWindowBytes = size_t{8} << 20;

}  // namespace otf::fits
