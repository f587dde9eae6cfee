// A binary table as an HDU of a file that is being written.
#pragma once

#include <span>
#include <string>

#include "fits/fits.h"
#include "fits/output_file.h"

namespace otf::fits {

/// After the HDUs that are there (an empty primary one is made when there are none). As writeFitsTable.
void appendTable(OutputFile& file, const std::string& extname, std::span<const FitsColumn> columns,
                 std::span<const FitsKey> keys);

}  // namespace otf::fits
