#include "addon/api.h"
#include "addon/async.h"
#include "addon/object.h"
#include "error/error.h"

namespace otf::addon {
namespace {

FitsColumn readColumn(const Fields& fields) {
  FitsColumn column;
  column.name = fields.text("name");
  column.unit = fields.text("unit");
  column.ucd = fields.text("ucd");
  column.description = fields.text("description");
  const std::string type = fields.text("type");
  using Type = FitsColumn::Type;
  if (type == "text") {
    column.type = Type::kText;
  } else if (type == "float" || type == "double" || type == "int") {
    column.type = type == "float" ? Type::kFloat : type == "double" ? Type::kDouble : Type::kInt;
    column.numbers = fields.numbers("numbers");
  } else {
    throw OtfError(Code::kInvalidArgument, "column type '" + type + "' is not text, float, double or int");
  }
  return column;
}

FitsKey readKey(const Napi::Object& object) {
  const Fields fields(object, "key");
  FitsKey key;
  key.name = fields.text("name");
  key.comment = fields.text("comment");
  const Napi::Value value = object.Get("value");
  key.isText = value.IsString();
  if (key.isText) {
    key.text = value.As<Napi::String>().Utf8Value();
  } else {
    key.number = fields.number("value");
    key.isInteger = key.number == static_cast<double>(static_cast<int64_t>(key.number));
  }
  return key;
}

struct Table {
  std::vector<FitsColumn> columns;
  std::vector<FitsKey> keys;
};

}  // namespace

Napi::Value writeTable(const Napi::CallbackInfo& info) {
  const std::string path = info[0].As<Napi::String>().Utf8Value();
  const std::string extname = info[1].As<Napi::String>().Utf8Value();
  const auto table = std::make_shared<Table>();
  const auto columns = info[2].As<Napi::Array>();
  for (uint32_t i = 0; i < columns.Length(); ++i) {
    const Napi::Object object = columns.Get(i).As<Napi::Object>();
    table->columns.push_back(readColumn(Fields(object, "column")));
    if (table->columns.back().type != FitsColumn::Type::kText) continue;
    const auto texts = object.Get("text").As<Napi::Array>();
    for (uint32_t r = 0; r < texts.Length(); ++r)
      table->columns.back().text.push_back(texts.Get(r).As<Napi::String>().Utf8Value());
  }
  const auto keys = info[3].As<Napi::Array>();
  for (uint32_t i = 0; i < keys.Length(); ++i) table->keys.push_back(readKey(keys.Get(i).As<Napi::Object>()));
  return runAsync(
      info.Env(), [=] { writeFitsTable(path, extname, table->columns, table->keys); },
      [](Napi::Env env) { return env.Undefined(); });
}

}  // namespace otf::addon
