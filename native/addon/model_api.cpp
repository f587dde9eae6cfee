#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "addon/api.h"
#include "addon/async.h"
#include "addon/object.h"
#include "error/error.h"
#include "model/architectures.h"

namespace otf::addon {
namespace {

struct Inspected {
  std::string path;
  int64_t bytes = 0;
  Network network;
  std::vector<LayerShape> shapes;
  std::vector<double> flops;
};

const char* kindOf(const Layer& layer) {
  static constexpr const char* kKinds[] = {"conv", "pool", "dense", "group norm", "lrn"};
  return kKinds[layer.index()];
}

int64_t parametersOf(const Layer& layer) {
  Network one;
  one.layers.push_back(layer);
  return one.parameterCount();
}

Napi::Array sizes(Napi::Env env, const Shape& shape) {
  const double values[] = {static_cast<double>(shape.extent.w), static_cast<double>(shape.extent.h),
                           static_cast<double>(shape.extent.d), static_cast<double>(shape.c)};
  return numbers(env, values);
}

Napi::Object yoloSummary(Napi::Env env, const YoloHead& head) {
  Napi::Object out = Napi::Object::New(env);
  out.Set("boxes", head.boxes);
  out.Set("classes", head.classes);
  out.Set("parameters", head.parameters);
  out.Set("classSoftmax", head.classSoftmax);
  Napi::Array priors = Napi::Array::New(env, head.priors.size());
  for (uint32_t i = 0; i < head.priors.size(); ++i) {
    const double sides[] = {head.priors[i][0], head.priors[i][1], head.priors[i][2]};
    priors.Set(i, numbers(env, sides));
  }
  out.Set("priors", priors);
  return out;
}

Napi::Value summary(Napi::Env env, const Inspected& inspected) {
  const Network& network = inspected.network;
  Napi::Object out = Napi::Object::New(env);
  out.Set("path", inspected.path);
  out.Set("bytes", static_cast<double>(inspected.bytes));
  out.Set("format", network.binary ? "binary" : "text");
  out.Set("trained", sizes(env, network.trained));
  out.Set("fullyConvolutional", network.fullyConvolutional());
  out.Set("parameters", static_cast<double>(network.parameterCount()));
  out.Set("warnings", strings(env, network.warnings));
  Napi::Array layers = Napi::Array::New(env, network.layers.size());
  for (uint32_t i = 0; i < network.layers.size(); ++i) {
    Napi::Object layer = Napi::Object::New(env);
    layer.Set("index", i + 1);
    layer.Set("kind", kindOf(network.layers[i]));
    layer.Set("text", describeLayer(network.layers[i]));
    layer.Set("output", sizes(env, inspected.shapes[i].shape));
    layer.Set("parameters", static_cast<double>(parametersOf(network.layers[i])));
    layer.Set("flops", inspected.flops[i]);
    layers.Set(i, layer);
  }
  out.Set("layers", layers);
  if (network.yolo() != nullptr) out.Set("yolo", yoloSummary(env, *network.yolo()));
  return out;
}

/// Beside the target, then renamed: a reader never sees half a network.
void writeFile(const std::string& path, const std::vector<std::byte>& bytes) {
  const std::string temporary = path + ".part" + std::to_string(::getpid());
  const auto fail = [&](int reason) {
    ::unlink(temporary.c_str());
    throw OtfError(Code::kOutputUnwritable, "cannot write " + path + ": " + std::strerror(reason));
  };
  const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (fd < 0) fail(errno);
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t wrote = ::write(fd, bytes.data() + done, bytes.size() - done);
    if (wrote < 0 && errno != EINTR) {
      const int reason = errno;
      ::close(fd);
      fail(reason);
    }
    done += wrote > 0 ? static_cast<size_t>(wrote) : 0;
  }
  const int reason = ::fsync(fd) == 0 ? 0 : errno;
  ::close(fd);
  if (reason != 0) fail(reason);
  if (::rename(temporary.c_str(), path.c_str()) != 0) fail(errno);
}

}  // namespace

Napi::Value inspectModel(const Napi::CallbackInfo& info) {
  const std::string path = info[0].As<Napi::String>().Utf8Value();
  const int width = info[1].As<Napi::Number>().Int32Value();
  const int height = info[2].As<Napi::Number>().Int32Value();
  return runAsync<Inspected>(
      info.Env(),
      [=] {
        Inspected inspected{path, 0, readNetwork(path), {}, {}};
        inspected.bytes = static_cast<int64_t>(std::filesystem::file_size(path));
        Extent extent = inspected.network.trained.extent;
        if (width > 0) extent.w = width;
        if (height > 0) extent.h = height;
        inspected.shapes = inferShapes(inspected.network, extent);
        inspected.flops = layerFlops(inspected.network, extent);
        return inspected;
      },
      summary);
}

Napi::Value writeArchitecture(const Napi::CallbackInfo& info) {
  const std::string name = info[0].As<Napi::String>().Utf8Value();
  const auto seed = static_cast<uint64_t>(info[1].As<Napi::Number>().Int64Value());
  const std::string path = info[2].As<Napi::String>().Utf8Value();
  return runAsync(
      info.Env(), [=] { writeFile(path, writeNetwork(buildArchitecture(name, seed))); },
      [](Napi::Env env) { return env.Undefined(); });
}

}  // namespace otf::addon
