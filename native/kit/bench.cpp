#include <algorithm>
#include <cmath>
#include <cstdio>
#include <optional>

#include "engine/process/remote_engine.h"
#include "engine/registry/registry.h"
#include "error/error.h"
#include "kit/commands.h"
#include "kit/meter.h"
#include "kit/records.h"
#include "model/architectures.h"
#include "tensor/buffer.h"
#include "timing/median.h"
#include "timing/stopwatch.h"

namespace otf::kit {
namespace {

struct Request {
  std::string engine, model;
  EngineOptions options;
  std::shared_ptr<const Network> network;
  Extent extent;
  double seconds = 1;  // about as long as one batch size is measured
};

std::shared_ptr<const Network> load(const std::string& model) {
  const auto names = architectureNames();
  const bool builtIn = std::find(names.begin(), names.end(), model) != names.end();
  return std::make_shared<Network>(builtIn ? buildArchitecture(model, 1) : readNetwork(model));
}

bool isCianna(const std::string& name) { return name == "cianna" || name.starts_with("cianna:"); }

struct Figures {
  EngineInfo info;
  double seconds = 0;                   // one forward() of the batch, as a caller sees it
  std::optional<double> ownSeconds;     // CIANNA's loop over its layers, data in place
  std::optional<double> bridgeSeconds;  // the same in otf-engine, input and output included
  int repeats = 0;
  int64_t engineBytes = 0;
  std::vector<LayerTiming> layers;
};

/// CIANNA is asked in its own process, so that its loop can be timed beside ours.
Figures measureCianna(const Request& request, int batch) {
  Figures figures;
  figures.repeats = std::clamp(128 / batch, 3, 20);
  const RemoteBench found = benchRemoteEngine(request.engine, request.network, request.options,
                                              request.extent, batch, figures.repeats);
  figures.info = found.info;
  figures.seconds = found.remoteSeconds;
  figures.ownSeconds = found.ownSeconds;
  figures.bridgeSeconds = found.bridgeSeconds;
  return figures;
}

Figures measureEngine(Engine& engine, const Request& request, int batch) {
  const int64_t in = Shape{request.extent, request.network->trained.c}.values() * batch;
  const Buffer input(static_cast<size_t>(in) * sizeof(float));
  // Values as normalised tiles have them, different in every pixel.
  for (int64_t i = 0; i < in; ++i) input.floats()[i] = static_cast<float>((i * 7919) % 1000) / 1000.0F;
  const Buffer output(static_cast<size_t>(engine.outputValues(request.extent) * batch) * sizeof(float));
  const auto forward = [&] { engine.forward(request.extent, batch, input.floats(), output.floats()); };
  forward();  // code generated, memory taken, pages touched
  Figures figures;
  std::vector<double> seconds;
  const Stopwatch watch;
  while (seconds.size() < 3 || watch.seconds() < request.seconds) {
    const Stopwatch one;
    forward();
    seconds.push_back(one.seconds());
  }
  figures.info = engine.info();
  figures.seconds = median(seconds);
  figures.repeats = static_cast<int>(seconds.size());
  figures.engineBytes = engine.memoryBytes();
  figures.layers = engine.profile(request.extent, batch, input.floats(), output.floats());
  return figures;
}

process::FlatJson recordOf(const Request& request, int batch) {
  process::FlatJson record;
  record.text("step", "bench")
      .text("engine", request.engine)
      .text("model", request.model)
      .number("tile", int64_t{request.extent.w})
      .text("asked", computeTypeName(request.options.computeType))
      .number("batch", int64_t{batch});
  return record;
}

void report(const Request& request, int batch, const Figures& f, const Meter::Seen& seen,
            const Records& records) {
  const double perItem = networkFlops(*request.network, request.extent);
  const double rate = batch / f.ownSeconds.value_or(f.seconds);
  process::FlatJson record = recordOf(request, batch);
  record.text("effective", computeTypeName(f.info.effective))
      .text("version", f.info.version)
      .text("device", f.info.device)
      .number("repeats", int64_t{f.repeats})
      .number("seconds", f.seconds)
      .number("tilesPerSecond", batch / f.seconds);
  if (f.ownSeconds) record.number("ownTilesPerSecond", batch / *f.ownSeconds);
  if (f.bridgeSeconds) record.number("bridgeTilesPerSecond", batch / *f.bridgeSeconds);
  record.number("flopPerTile", perItem).number("flopPerSecond", perItem * rate);
  if (f.engineBytes > 0) record.number("engineBytes", f.engineBytes);
  if (seen.memoryBytes > 0) record.number("deviceBytes", seen.memoryBytes);
  if (seen.watts > 0) record.number("watts", seen.watts);
  records.add(record);
  std::printf("%-12s %s batch %3d: %9s tiles/s", request.engine.c_str(),
              std::string(computeTypeName(f.info.effective)).c_str(), batch,
              rounded(batch / f.seconds).c_str());
  if (f.ownSeconds)
    std::printf(" (CIANNA's own loop %s, through the bridge %s)", rounded(batch / *f.ownSeconds).c_str(),
                rounded(batch / *f.bridgeSeconds).c_str());
  std::printf(", %s TFLOP/s", rounded(perItem * rate / 1e12).c_str());
  if (seen.memoryBytes > 0)
    std::printf(", %s GiB, up to %s W", rounded(static_cast<double>(seen.memoryBytes) / (1 << 30)).c_str(),
                rounded(seen.watts).c_str());
  std::printf("\n");
  std::fflush(stdout);
  if (f.layers.size() < 2) return;
  for (size_t i = 0; i < f.layers.size(); ++i) {
    const LayerTiming& layer = f.layers[i];
    process::FlatJson line;
    line.text("step", "layers")
        .text("engine", request.engine)
        .text("effective", computeTypeName(f.info.effective))
        .number("batch", int64_t{batch})
        .number("number", static_cast<int64_t>(i) + 1)
        .text("layer", layer.layer)
        .text("kernel", layer.kernel)
        .number("seconds", layer.seconds)
        .number("flop", layer.flops);
    records.add(line);
  }
}

void reportFailure(const Request& request, int batch, const OtfError& error, const Records& records) {
  const std::string reason = std::string(codeName(error.code())) + " " + error.what();
  records.add(recordOf(request, batch).text("reason", reason));
  std::printf("%-12s %s batch %3d: %s\n", request.engine.c_str(),
              std::string(computeTypeName(request.options.computeType)).c_str(), batch, reason.c_str());
  std::fflush(stdout);
}

}  // namespace

int bench(const Arguments& arguments) {
  Request request;
  request.engine = arguments.text("--engine");
  request.model = arguments.text("--model", "sdc1");
  const std::string typeName = arguments.text("--quantization");
  const auto type = parseComputeType(typeName);
  if (!type) throw OtfError(Code::kInvalidArgument, "no compute type '" + typeName + "'");
  request.options.computeType = *type;
  request.network = load(request.model);
  const Extent trained = request.network->trained.extent;
  request.extent = {arguments.count("--size", trained.w), arguments.count("--size", trained.h), trained.d};
  request.seconds = arguments.count("--milliseconds", 1000) / 1e3;
  const Records records(arguments.text("--json", ""));
  Meter meter;
  std::unique_ptr<Engine> engine;
  int measured = 0;
  for (const int batch : arguments.counts("--batches", "8")) {
    meter.start();
    try {
      Figures figures;
      if (isCianna(request.engine)) {
        figures = measureCianna(request, batch);
      } else {
        if (!engine) engine = createEngine(request.engine, request.network, request.options);
        figures = measureEngine(*engine, request, batch);
      }
      report(request, batch, figures, meter.stop(), records);
      ++measured;
    } catch (const OtfError& error) {
      reportFailure(request, batch, error, records);
    }
  }
  return measured > 0 ? 0 : 1;
}

}  // namespace otf::kit
