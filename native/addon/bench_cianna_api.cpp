#include "addon/api.h"
#include "addon/async.h"
#include "addon/bench_network.h"
#include "addon/object.h"
#include "engine/process/remote_engine.h"

namespace otf::addon {

Napi::Value benchCianna(const Napi::CallbackInfo& info) {
  const Fields fields(info[0], "request");
  const BenchRequest request = readBenchRequest(fields);
  return runAsync<RemoteBench>(
      info.Env(),
      [request] {
        const auto network = loadBenchNetwork(request.model);
        const Extent extent{request.width, request.height, network->trained.extent.d};
        return benchRemoteEngine(request.engine.name, network, request.engine.options, extent,
                                 request.engine.batch, request.repeats);
      },
      [](Napi::Env env, const RemoteBench& bench) {
        Napi::Object out = Napi::Object::New(env);
        out.Set("engine", engineInfo(env, bench.info));
        out.Set("ownSeconds", bench.ownSeconds);
        out.Set("bridgeSeconds", bench.bridgeSeconds);
        out.Set("overheadSeconds", bench.overheadSeconds);
        out.Set("remoteSeconds", bench.remoteSeconds);
        out.Set("copySeconds", bench.copySeconds);
        return out;
      });
}

}  // namespace otf::addon
