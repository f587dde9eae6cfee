// Any bytes are a network or a kModelMalformed; what is accepted can be sized, described, written and read again.
#include "fuzz/support.h"
#include "model/network.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace otf;
  using fuzz::require;
  Network network;
  try {
    network = parseNetwork({reinterpret_cast<const std::byte*>(data), size});
  } catch (const OtfError& error) {
    require(error.code() == Code::kModelMalformed, "the error of a malformed file is kModelMalformed");
    return 0;
  }
  require(!network.layers.empty(), "a network has a layer");
  // Text takes two bytes a value at least: memory is bounded by the file either way.
  require(network.parameterCount() <= static_cast<int64_t>(size), "weights come from the file");
  for (const Layer& layer : network.layers) describeLayer(layer);
  inferShapes(network, network.trained.extent);
  layerFlops(network, network.trained.extent);
  for (const int side : {1, 33, 1 << 20}) {
    try {
      inferShapes(network, {side, side, 1});
    } catch (const OtfError& error) {
      require(error.code() == Code::kShapeMismatch,
              "the error of a size that does not fit is kShapeMismatch");
    }
  }
  const std::vector<std::byte> written = writeNetwork(network);
  require(writeNetwork(parseNetwork(written)) == written, "what is written is read back the same");
  return 0;
}
