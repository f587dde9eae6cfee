// The one catalogue of native error codes. A code is stable once released; its text says what is wrong and where.
// HTTP status, UWS error type and exit code are decided in TypeScript (src/errors/catalogue.ts) from the code alone.
#pragma once

#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

namespace otf {

enum class Code {
  kInvalidArgument,      // a caller's value is outside what the function accepts
  kModelUnreadable,      // the network file cannot be opened or read
  kModelMalformed,       // the bytes are not a CIANNA network; the text names layer and byte offset
  kModelUnsupported,     // a well-formed network that cannot be run here
  kModelChecksum,        // the file is not the one that was named by its SHA-256
  kShapeMismatch,        // the input does not fit the network
  kNpyMalformed,         // not the NPY array that was asked for
  kFitsUnreadable,       // the file cannot be opened, or is not FITS
  kFitsTruncated,        // the file ends before the data its header promises
  kFitsNoImage,          // no image HDU with two axes longer than 1 (or not the one asked for)
  kWcsInvalid,           // the header has celestial WCS keywords that contradict each other
  kUnitMismatch,         // the pixels are in a unit that cannot be turned into the network's
  kImageBlank,           // every pixel is blank, or every pixel is zero
  kRoiOutside,           // the region of interest does not touch the image
  kImageTooLarge,        // searching it would take more memory than is allowed
  kBeamUnknown,          // a measurement needs the beam of an image whose header has none
  kMapMismatch,          // a map given for a measurement is not one of the image's pixels
  kMaskInvalid,          // a mask is no MOC or DS9 regions that can be read, or laid on the image
  kTableUnreadable,      // a catalogue is not a table that can be read
  kTableColumn,          // a catalogue lacks a column that is needed
  kDetectorConfig,       // the model card's detector section does not fit the network
  kCubeInvalid,          // no cube of images in time, or a PSF that is not that of the cube
  kReconstructorConfig,  // the model card's reconstructor section does not fit the network
  kOutputUnwritable,     // a result cannot be written
  kEngineUnavailable,    // no such engine here, or it cannot run what was asked
  kEngineFailed,         // the numeric library reported an error while running
  kCancelled,            // stopped on request
  kOutOfMemory,          // the memory this needs cannot be had
  kInternal,             // a broken promise inside the program
};

/// The stable name of a code, e.g. "OTF_MODEL_MALFORMED".
std::string_view codeName(Code code);

/// Every code, in declaration order (for the test that TypeScript knows them all).
std::span<const Code> allCodes();

/// The only exception type that crosses a room's border. what() is one line for a user, without a trailing period.
class OtfError : public std::runtime_error {
 public:
  OtfError(Code code, const std::string& message) : std::runtime_error(message), code_(code) {}
  Code code() const { return code_; }

 private:
  Code code_;
};

}  // namespace otf
