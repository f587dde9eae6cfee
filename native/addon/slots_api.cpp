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

}  // namespace otf::addon
