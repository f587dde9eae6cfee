#include <cstring>

#include "addon/api.h"
#include "addon/async.h"
#include "addon/object.h"
#include "addon/slot_table.h"

namespace otf::addon {
namespace {

void checkItems(const EngineSlots& slots, int64_t slot, int64_t item, int64_t count) {
  const bool inside = slot >= 0 && slot < static_cast<int64_t>(slots.memory.count()) && item >= 0 &&
                      count >= 0 && item + count <= slots.batch;
  if (!inside) {
    throw OtfError(Code::kInvalidArgument, "items " + std::to_string(item) + "+" + std::to_string(count) +
                                               " of slot " + std::to_string(slot) + " do not exist");
  }
}

}  // namespace

float* EngineSlots::input(int64_t slot, int64_t item, int64_t count) const {
  checkItems(*this, slot, item, count);
  return reinterpret_cast<float*>(memory.slot(static_cast<size_t>(slot))) + item * valuesIn;
}

float* EngineSlots::output(int64_t slot, int64_t item, int64_t count) const {
  checkItems(*this, slot, item, count);
  return reinterpret_cast<float*>(memory.slot(static_cast<size_t>(slot)) + layout.outputOffset) +
         item * valuesOut;
}

Handles<EngineSlots>& slotTable() {
  static Handles<EngineSlots> table("slots");
  return table;
}

Napi::Value createSlots(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Fields fields(info[0], "request");
  const int batch = fields.count("batch");
  const int64_t valuesIn = fields.integer("valuesIn");
  const int64_t valuesOut = fields.integer("valuesOut");
  const process::SlotLayout layout = process::slotLayout(batch, valuesIn, valuesOut);
  const int64_t count = fields.integer("slots");
  if (count < 1) throw OtfError(Code::kInvalidArgument, "no slots were asked for");
  auto slots = std::make_shared<EngineSlots>(EngineSlots{
      batch, valuesIn, valuesOut, layout, SharedSlots::create(layout.bytes, static_cast<size_t>(count))});
  Napi::Object out = Napi::Object::New(env);
  out.Set("fd", slots->memory.fd());
  out.Set("slotBytes", static_cast<double>(slots->memory.slotBytes()));
  out.Set("slots", static_cast<double>(slotTable().add(std::move(slots))));
  return out;
}

Napi::Value closeSlots(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  slotTable().close(info[0].ToNumber().Int64Value());
  return env.Undefined();
}

Napi::Value copyItems(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Fields fields(info[0], "request");
  const auto slots = slotTable().get(fields.integer("slots"));
  const int64_t count = fields.integer("count");
  const float* from = slots->input(fields.integer("fromSlot"), fields.integer("fromItem"), count);
  float* to = slots->input(fields.integer("toSlot"), fields.integer("toItem"), count);
  std::memmove(to, from, static_cast<size_t>(count * slots->valuesIn) * sizeof(float));
  return env.Undefined();
}

Napi::Value writeItems(const Napi::CallbackInfo& info) {
  const Fields fields(info[0], "items");
  const auto slots = slotTable().get(fields.integer("slots"));
  const int64_t count = fields.integer("count");
  float* to = slots->input(fields.integer("slot"), fields.integer("item"), count);
  const auto values = info[1].As<Napi::Float32Array>();
  if (static_cast<int64_t>(values.ElementLength()) != count * slots->valuesIn) {
    throw OtfError(Code::kInvalidArgument, std::to_string(values.ElementLength()) +
                                               " values are not those of " + std::to_string(count) +
                                               " items");
  }
  std::memcpy(to, values.Data(), values.ByteLength());
  return info.Env().Undefined();
}

Napi::Value readItems(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Fields fields(info[0], "items");
  const auto slots = slotTable().get(fields.integer("slots"));
  const int64_t slot = fields.integer("slot"), item = fields.integer("item"), count = fields.integer("count");
  const auto copy = [&](const float* from, int64_t each) {
    return floats(env, {from, static_cast<size_t>(count * each)});
  };
  Napi::Object out = Napi::Object::New(env);
  out.Set("input", copy(slots->input(slot, item, count), slots->valuesIn));
  out.Set("output", copy(slots->output(slot, item, count), slots->valuesOut));
  return out;
}

}  // namespace otf::addon
