// otf-gpu-limits: what the card itself can do, for the engines to be held against: copies, and cuBLAS's matrix products at
// the shapes of a network's layers.
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <exception>
#include <optional>

#include "kit/arguments.h"
#include "kit/cuda_check.h"
#include "kit/gpu_products.h"
#include "kit/meter.h"
#include "kit/records.h"
#include "model/architectures.h"

namespace otf::kit {
namespace {

void device(const Records& records, const Meter& meter, const Products& products) {
  cudaDeviceProp p{};
  check(cudaGetDeviceProperties(&p, 0), "the device's properties");
  int driver = 0;
  int runtime = 0;
  cudaDriverGetVersion(&driver);
  cudaRuntimeGetVersion(&runtime);
  const std::string capability = std::to_string(p.major) + "." + std::to_string(p.minor);
  process::FlatJson record;
  record.text("step", "cuda")
      .text("name", p.name)
      .text("driver", meter.driver())
      .number("cudaOfDriver", int64_t{driver})
      .number("cudaOfKit", int64_t{runtime})
      .text("cublas", products.version())
      .text("capability", capability)
      .number("multiprocessors", int64_t{p.multiProcessorCount})
      .number("memoryBytes", static_cast<int64_t>(p.totalGlobalMem))
      .number("l2Bytes", int64_t{p.l2CacheSize});
  records.add(record);
  std::printf("%s, driver %s, CUDA %d (kit %d), cuBLAS %s, capability %s, %d multiprocessors, %s GiB\n",
              p.name, meter.driver().c_str(), driver, runtime, products.version().c_str(), capability.c_str(),
              p.multiProcessorCount, rounded(static_cast<double>(p.totalGlobalMem) / (1 << 30)).c_str());
}

double bestOf(int times, const auto& work) {
  work();
  double best = deviceSeconds(work);
  for (int i = 1; i < times; ++i) best = std::min(best, deviceSeconds(work));
  return best;
}

void copies(const Records& records) {
  constexpr size_t kDevice = size_t{2} << 30;
  constexpr size_t kHost = size_t{256} << 20;
  const auto say = [&](const char* name, double bytesPerSecond) {
    process::FlatJson record;
    record.text("step", "copies").text("copy", name).number("bytesPerSecond", bytesPerSecond);
    records.add(record);
    std::printf("%-44s %8s GB/s\n", name, rounded(bytesPerSecond / 1e9).c_str());
  };
  {
    const DeviceMemory from(kDevice);
    const DeviceMemory to(kDevice);
    check(cudaMemset(from.data(), 0x3c, kDevice), "filling memory of the device");
    const double seconds = bestOf(5, [&] {
      check(cudaMemcpyAsync(to.data(), from.data(), kDevice, cudaMemcpyDeviceToDevice), "a copy");
    });
    say("device to device, read and written", 2.0 * kDevice / seconds);
  }
  const DeviceMemory there(kHost);
  void* pinned = nullptr;
  check(cudaMallocHost(&pinned, kHost), "pinned memory");
  std::memset(pinned, 0x3c, kHost);
  const auto copy = [&](void* to, const void* from, cudaMemcpyKind kind) {
    return kHost / bestOf(5, [&] { check(cudaMemcpyAsync(to, from, kHost, kind), "a copy"); });
  };
  say("host (pinned) to device", copy(there.data(), pinned, cudaMemcpyHostToDevice));
  say("device to host (pinned)", copy(pinned, there.data(), cudaMemcpyDeviceToHost));
  cudaFreeHost(pinned);
  std::vector<char> plain(kHost, 0x3c);
  say("host (plain) to device", copy(there.data(), plain.data(), cudaMemcpyHostToDevice));
  say("device to host (plain)", copy(plain.data(), there.data(), cudaMemcpyDeviceToHost));
}

std::vector<Product> layersOf(const Network& network, Extent extent, int batch) {
  std::vector<Product> products;
  const std::vector<LayerShape> shapes = inferShapes(network, extent);
  for (size_t i = 0; i < shapes.size(); ++i) {
    if (const auto* conv = std::get_if<ConvLayer>(&network.layers[i]); conv != nullptr) {
      const Extent& out = shapes[i].shape.extent;
      products.push_back({describeLayer(network.layers[i]), conv->filters,
                          int64_t{out.w} * out.h * out.d * batch, conv->weightsPerFilter() - 1});
    }
  }
  return products;
}

void sayProduct(const Records& records, const Product& p, const std::string& type, int batch,
                double seconds) {
  process::FlatJson record;
  record.text("step", "products")
      .text("type", type)
      .text("layer", p.name)
      .number("batch", int64_t{batch})
      .number("m", p.m)
      .number("n", p.n)
      .number("k", p.k)
      .number("seconds", seconds)
      .number("flopPerSecond", p.flop() / seconds);
  records.add(record);
}

void measureProducts(const Records& records, Meter& meter, Products& products,
                     const std::vector<Product>& layers, int batch) {
  for (const std::string& type : productTypes()) {
    meter.start();
    const Product square{"square", 8192, 8192, 8192};
    const double squareSeconds = products.seconds(square, type);
    sayProduct(records, square, type, 0, squareSeconds);
    double sum = 0;
    double flop = 0;
    for (const Product& layer : layers) {
      const double seconds = products.seconds(layer, type);
      sayProduct(records, layer, type, batch, seconds);
      sum += seconds;
      flop += layer.flop();
    }
    const Meter::Seen seen = meter.stop();
    process::FlatJson record;
    record.text("step", "productsSum")
        .text("type", type)
        .number("batch", int64_t{batch})
        .number("squareFlopPerSecond", square.flop() / squareSeconds)
        .number("seconds", sum)
        .number("tilesPerSecond", batch / sum)
        .number("flopPerSecond", flop / sum);
    if (seen.watts > 0) record.number("watts", seen.watts);
    records.add(record);
    std::printf("%s: 8192 cubed %6s TFLOP/s; the layers' products at batch %d %6s TFLOP/s, %s tiles/s\n",
                type.c_str(), rounded(square.flop() / squareSeconds / 1e12).c_str(), batch,
                rounded(flop / sum / 1e12).c_str(), rounded(batch / sum).c_str());
    std::fflush(stdout);
  }
}

int limits(const Arguments& arguments) {
  const Records records(arguments.text("--json", ""));
  const std::string model = arguments.text("--model", "sdc1");
  const int batch = arguments.count("--batch", 16);
  Meter meter;
  int devices = 0;
  check(cudaGetDeviceCount(&devices), "looking for a GPU");
  Products products;
  device(records, meter, products);
  copies(records);
  const Network network = buildArchitecture(model, 1);
  measureProducts(records, meter, products, layersOf(network, network.trained.extent, batch), batch);
  return 0;
}

}  // namespace
}  // namespace otf::kit

int main(int count, char** values) {
  using namespace otf;
  try {
    return kit::limits(kit::Arguments(count - 1, values + 1, {"--json", "--model", "--batch"}));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "otf-gpu-limits: %s\n", error.what());
    return 1;
  }
}
