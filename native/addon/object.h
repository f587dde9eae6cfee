// JavaScript objects to plain C++ data and back. TypeScript has validated already: a mismatch here is a
// programming error, reported as OTF_INVALID_ARGUMENT with the field's name.
#pragma once

#include <napi.h>

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "fits/fits.h"

namespace otf::addon {

/// A request object. JavaScript thread only.
class Fields {
 public:
  Fields(const Napi::Value& value, std::string name);
  bool has(const char* key) const;
  std::string text(const char* key) const;
  double number(const char* key) const;
  int64_t integer(const char* key) const;
  int count(const char* key) const;  // an integer that fits an int
  bool flag(const char* key) const;
  std::vector<double> numbers(const char* key) const;
  std::vector<std::string> texts(const char* key) const;
  std::vector<float> floats(const char* key) const;
  Fields object(const char* key) const;
  std::vector<Fields> objects(const char* key) const;

 private:
  [[noreturn]] void fail(const char* key, const char* expected) const;
  Napi::Value get(const char* key) const;
  Napi::Object object_;
  std::string name_;
};

Napi::Float64Array doubles(Napi::Env env, std::span<const double> values);
Napi::Float32Array floats(Napi::Env env, std::span<const float> values);
Napi::Int32Array integers(Napi::Env env, std::span<const int32_t> values);
Napi::Array strings(Napi::Env env, const std::vector<std::string>& values);
Napi::Array numbers(Napi::Env env, std::span<const double> values);

/// Shared pieces of the requests and answers in addon.ts.
struct EngineChoice {
  std::string name;
  EngineOptions options;
  int batch = 1;
};
EngineChoice readEngineChoice(const Fields& fields);
Napi::Object engineInfo(Napi::Env env, const EngineInfo& info);

Napi::Object beamObject(Napi::Env env, const Beam& beam);

struct ImageChoice {
  std::string path;
  FitsSelect select;
};
ImageChoice readImageChoice(const Fields& fields);

}  // namespace otf::addon
