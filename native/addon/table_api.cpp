// Rows of catalogues as text.
#include <algorithm>
#include <thread>

#include "addon/api.h"
#include "addon/object.h"
#include "error/error.h"
#include "table/number_text.h"
#include "table/row_text.h"

namespace otf::addon {
namespace {

/// More would wait for the caller, who writes what they make.
constexpr unsigned kMostThreads = 4;

NumberCells::Type cellType(const std::string& type) {
  if (type == "float") return NumberCells::Type::kFloat;
  if (type == "double") return NumberCells::Type::kDouble;
  if (type == "int") return NumberCells::Type::kInt;
  throw OtfError(Code::kInvalidArgument, "column type '" + type + "' is not text, float, double or int");
}

/// Views into the caller's arrays: for the length of a synchronous call.
std::span<const double> doublesOf(const Napi::Value& value) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_float64_array)
    throw OtfError(Code::kInvalidArgument, "the values of a column are no Float64Array");
  const auto array = value.As<Napi::Float64Array>();
  return {array.Data(), array.ElementLength()};
}

TextCells textsOf(const Napi::Value& value) {
  if (!value.IsArray()) throw OtfError(Code::kInvalidArgument, "expected an array of texts");
  const auto array = value.As<Napi::Array>();
  TextCells texts(array.Length());
  for (uint32_t i = 0; i < array.Length(); ++i) texts[i] = array.Get(i).ToString().Utf8Value();
  return texts;
}

Cells readCells(const Napi::Object& object) {
  const Fields fields(object, "column");
  const std::string type = fields.text("type");
  if (type == "text") return textsOf(object.Get("values"));
  return NumberCells{cellType(type), doublesOf(object.Get("values"))};
}

}  // namespace

Napi::Value tableRows(const Napi::CallbackInfo& info) {
  const Fields fields(info[0], "request");
  const auto request = info[0].As<Napi::Object>();
  const RowForm form{textsOf(request.Get("before")), fields.text("end"), fields.text("missing")};
  std::vector<Cells> columns;
  const Napi::Value given = request.Get("columns");
  if (!given.IsArray()) throw OtfError(Code::kInvalidArgument, "request: columns is no array");
  const auto array = given.As<Napi::Array>();
  for (uint32_t i = 0; i < array.Length(); ++i) columns.push_back(readCells(array.Get(i).As<Napi::Object>()));
  const unsigned threads = std::clamp(std::thread::hardware_concurrency(), 1U, kMostThreads);
  const std::string text = rowText(form, columns, fields.integer("count"), static_cast<int>(threads));
  return Napi::Buffer<char>::Copy(info.Env(), text.data(), text.size());
}

Napi::Value numberText(const Napi::CallbackInfo& info) {
  const double value = info[0].ToNumber().DoubleValue();
  const std::vector<double> one{value};
  const NumberCells cells{cellType(info[1].ToString().Utf8Value()), one};
  return Napi::String::New(info.Env(), rowText({{""}, "", ""}, std::vector<Cells>{cells}, 1));
}

}  // namespace otf::addon
