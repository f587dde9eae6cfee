#include "addon/object.h"

#include <cmath>
#include <cstring>
#include <limits>

#include "error/error.h"

namespace otf::addon {

Fields::Fields(const Napi::Value& value, std::string name) : name_(std::move(name)) {
  if (!value.IsObject()) throw OtfError(Code::kInvalidArgument, name_ + " is not an object");
  object_ = value.As<Napi::Object>();
}

void Fields::fail(const char* key, const char* expected) const {
  throw OtfError(Code::kInvalidArgument, name_ + "." + key + " is not " + expected);
}

Napi::Value Fields::get(const char* key) const { return object_.Get(key); }

bool Fields::has(const char* key) const {
  const Napi::Value value = get(key);
  return !value.IsUndefined() && !value.IsNull();
}

std::string Fields::text(const char* key) const {
  const Napi::Value value = get(key);
  if (!value.IsString()) fail(key, "a string");
  return value.As<Napi::String>().Utf8Value();
}

double Fields::number(const char* key) const {
  const Napi::Value value = get(key);
  if (!value.IsNumber()) fail(key, "a number");
  return value.As<Napi::Number>().DoubleValue();
}

int64_t Fields::integer(const char* key) const {
  const double value = number(key);
  if (std::trunc(value) != value || std::fabs(value) > 0x1p53) fail(key, "an integer");
  return static_cast<int64_t>(value);
}

int Fields::count(const char* key) const {
  const int64_t value = integer(key);
  if (value < std::numeric_limits<int>::min() || value > std::numeric_limits<int>::max())
    fail(key, "a 32-bit integer");
  return static_cast<int>(value);
}

bool Fields::flag(const char* key) const {
  const Napi::Value value = get(key);
  if (!value.IsBoolean()) fail(key, "a boolean");
  return value.As<Napi::Boolean>().Value();
}

std::vector<double> Fields::numbers(const char* key) const {
  const Napi::Value value = get(key);
  if (value.IsTypedArray() && value.As<Napi::TypedArray>().TypedArrayType() == napi_float64_array) {
    const auto array = value.As<Napi::Float64Array>();
    return {array.Data(), array.Data() + array.ElementLength()};
  }
  if (!value.IsArray()) fail(key, "an array of numbers");
  const auto array = value.As<Napi::Array>();
  std::vector<double> out;
  for (uint32_t i = 0; i < array.Length(); ++i) {
    const Napi::Value item = array.Get(i);
    if (!item.IsNumber()) fail(key, "an array of numbers");
    out.push_back(item.As<Napi::Number>().DoubleValue());
  }
  return out;
}

std::vector<std::string> Fields::texts(const char* key) const {
  const Napi::Value value = get(key);
  if (!value.IsArray()) fail(key, "an array of strings");
  const auto array = value.As<Napi::Array>();
  std::vector<std::string> out;
  for (uint32_t i = 0; i < array.Length(); ++i) {
    const Napi::Value item = array.Get(i);
    if (!item.IsString()) fail(key, "an array of strings");
    out.push_back(item.As<Napi::String>().Utf8Value());
  }
  return out;
}

std::vector<float> Fields::floats(const char* key) const {
  const std::vector<double> wide = numbers(key);
  return {wide.begin(), wide.end()};
}

Fields Fields::object(const char* key) const { return {get(key), name_ + "." + key}; }

std::vector<Fields> Fields::objects(const char* key) const {
  const Napi::Value value = get(key);
  if (!value.IsArray()) fail(key, "an array");
  const auto array = value.As<Napi::Array>();
  std::vector<Fields> out;
  for (uint32_t i = 0; i < array.Length(); ++i)
    out.emplace_back(array.Get(i), name_ + "." + key + "[" + std::to_string(i) + "]");
  return out;
}

namespace {

template <typename Array, typename T>
Array copyOf(Napi::Env env, std::span<const T> values) {
  Array array = Array::New(env, values.size());
  if (!values.empty()) std::memcpy(array.Data(), values.data(), values.size_bytes());
  return array;
}

}  // namespace

Napi::Float64Array doubles(Napi::Env env, std::span<const double> values) {
  return copyOf<Napi::Float64Array>(env, values);
}
Napi::Float32Array floats(Napi::Env env, std::span<const float> values) {
  return copyOf<Napi::Float32Array>(env, values);
}
Napi::Int32Array integers(Napi::Env env, std::span<const int32_t> values) {
  return copyOf<Napi::Int32Array>(env, values);
}

Napi::Array strings(Napi::Env env, const std::vector<std::string>& values) {
  Napi::Array array = Napi::Array::New(env, values.size());
  for (uint32_t i = 0; i < values.size(); ++i) array.Set(i, values[i]);
  return array;
}

Napi::Array numbers(Napi::Env env, std::span<const double> values) {
  Napi::Array array = Napi::Array::New(env, values.size());
  for (uint32_t i = 0; i < values.size(); ++i) array.Set(i, values[i]);
  return array;
}

EngineChoice readEngineChoice(const Fields& fields) {
  EngineChoice choice;
  choice.name = fields.text("name");
  const std::string quantization = fields.text("quantization");
  const std::optional<ComputeType> type = parseComputeType(quantization);
  if (!type)
    throw OtfError(Code::kInvalidArgument,
                   "no compute type '" + quantization +
                       "' (FP32C_FP32A, TF32C_FP32A, FP16C_FP32A, FP16C_FP16A, BF16C_FP32A, INT8C_INT32A)");
  choice.options.computeType = *type;
  choice.options.threads = fields.count("threads");
  choice.batch = fields.count("batch");
  if (choice.options.threads < 0 || choice.options.threads > 4096)
    throw OtfError(Code::kInvalidArgument, "threads must be 0..4096");
  if (choice.batch < 1 || choice.batch > 65536)
    throw OtfError(Code::kInvalidArgument, "batch must be 1..65536");
  return choice;
}

Napi::Object beamObject(Napi::Env env, const Beam& beam) {
  Napi::Object out = Napi::Object::New(env);
  out.Set("bmajDeg", beam.bmajDeg);
  out.Set("bminDeg", beam.bminDeg);
  out.Set("bpaDeg", beam.bpaDeg);
  return out;
}

Napi::Object engineInfo(Napi::Env env, const EngineInfo& info) {
  Napi::Object out = Napi::Object::New(env);
  out.Set("engine", info.engine);
  out.Set("version", info.version);
  out.Set("device", info.device);
  out.Set("asked", std::string(computeTypeName(info.asked)));
  out.Set("effective", std::string(computeTypeName(info.effective)));
  out.Set("threads", info.threads);
  return out;
}

ImageChoice readImageChoice(const Fields& fields) {
  ImageChoice choice;
  choice.path = fields.text("path");
  if (fields.has("hdu")) choice.select.hdu = fields.count("hdu");
  if (fields.has("plane")) choice.select.plane = fields.integer("plane");
  if (fields.has("label")) choice.select.label = fields.text("label");
  if (fields.has("fileBytes")) choice.select.fileBytes = static_cast<uint64_t>(fields.integer("fileBytes"));
  return choice;
}

}  // namespace otf::addon
