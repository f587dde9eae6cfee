#include "error/error.h"

#include <array>

namespace otf {
namespace {

struct Entry {
  Code code;
  std::string_view name;
};

constexpr std::array kEntries = {
    Entry{Code::kInvalidArgument, "OTF_INVALID_ARGUMENT"},
    Entry{Code::kModelUnreadable, "OTF_MODEL_UNREADABLE"},
    Entry{Code::kModelMalformed, "OTF_MODEL_MALFORMED"},
    Entry{Code::kModelUnsupported, "OTF_MODEL_UNSUPPORTED"},
    Entry{Code::kModelChecksum, "OTF_MODEL_CHECKSUM"},
    Entry{Code::kShapeMismatch, "OTF_SHAPE_MISMATCH"},
    Entry{Code::kNpyMalformed, "OTF_NPY_MALFORMED"},
    Entry{Code::kFitsUnreadable, "OTF_FITS_UNREADABLE"},
    Entry{Code::kFitsTruncated, "OTF_FITS_TRUNCATED"},
    Entry{Code::kFitsNoImage, "OTF_FITS_NO_IMAGE"},
    Entry{Code::kWcsInvalid, "OTF_WCS_INVALID"},
    Entry{Code::kUnitMismatch, "OTF_UNIT_MISMATCH"},
    Entry{Code::kImageBlank, "OTF_IMAGE_BLANK"},
    Entry{Code::kRoiOutside, "OTF_ROI_OUTSIDE"},
    Entry{Code::kImageTooLarge, "OTF_IMAGE_TOO_LARGE"},
    Entry{Code::kBeamUnknown, "OTF_BEAM_UNKNOWN"},
    Entry{Code::kMapMismatch, "OTF_MAP_MISMATCH"},
    Entry{Code::kMaskInvalid, "OTF_MASK_INVALID"},
    Entry{Code::kTableUnreadable, "OTF_TABLE_UNREADABLE"},
    Entry{Code::kTableColumn, "OTF_TABLE_COLUMN"},
    Entry{Code::kDetectorConfig, "OTF_DETECTOR_CONFIG"},
    Entry{Code::kCubeInvalid, "OTF_CUBE_INVALID"},
    Entry{Code::kReconstructorConfig, "OTF_RECONSTRUCTOR_CONFIG"},
    Entry{Code::kOutputUnwritable, "OTF_OUTPUT_UNWRITABLE"},
    Entry{Code::kEngineUnavailable, "OTF_ENGINE_UNAVAILABLE"},
    Entry{Code::kEngineFailed, "OTF_ENGINE_FAILED"},
    Entry{Code::kCancelled, "OTF_CANCELLED"},
    Entry{Code::kOutOfMemory, "OTF_OUT_OF_MEMORY"},
    Entry{Code::kInternal, "OTF_INTERNAL"},
};

constexpr auto kCodes = [] {
  std::array<Code, kEntries.size()> codes{};
  for (size_t i = 0; i < kEntries.size(); ++i) codes[i] = kEntries[i].code;
  return codes;
}();

}  // namespace

std::string_view codeName(Code code) {
  for (const Entry& entry : kEntries) {
    if (entry.code == code) return entry.name;
  }
  return "OTF_INTERNAL";
}

std::span<const Code> allCodes() { return kCodes; }

}  // namespace otf
