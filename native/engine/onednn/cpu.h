// What this machine's CPU can do, in oneDNN's eyes.
#pragma once

#include <string>

#include "engine/cpu/unit.h"
#include "engine/engine.h"
#include "engine/narrow/product.h"
#include "engine/roofline/rates.h"

namespace otf::onednn {

std::string libraryVersion();  // of the library that is loaded, "2.6.3"
std::string describeCpu();     // "AMD EPYC ... (AVX-512, BF16)"
/// True where the vector unit is that of AVX-512.
bool hasAvx512();
/// True where BF16 multiplications are instructions: elsewhere oneDNN emulates them, slower than FP32.
bool hasBf16();
/// True where products of BF16 tiles are instructions, and the process may use them.
bool hasAmx();
/// For tests on CPUs without it, which carry out its instructions themselves: AMX counts as there.
void assumeAmx(bool there);
/// True where products of bytes are instructions, of tiles or vectors.
bool hasInt8();
/// What multiplies narrow values: AMX where it can.
Unit narrowUnit(narrow::Element element);
/// Whether convolutions of 3x3 in BF16 go by Winograd's transforms on AMX, too: where OTF_AMX_WINOGRAD=1 asks for it, as nobody
/// has measured it yet.
bool winogradOnAmx();
/// What multiplies in `type` (an effective one) here.
roofline::Unit unitFor(ComputeType type);
/// What a request becomes here: BF16 and INT8 where the CPU has them, FP32 for all else (TF32 and FP16 are GPU types).
ComputeType effectiveType(ComputeType asked);

}  // namespace otf::onednn
