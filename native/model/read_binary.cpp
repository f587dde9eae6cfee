// The binary network file. Source: CIANNA 1.0 conv_save, pool_save, dense_save, norm_save, lrn_save.
#include <bit>
#include <cmath>
#include <cstring>

#include "error/error.h"
#include "model/assembly.h"

namespace otf {
namespace {

static_assert(std::endian::native == std::endian::little, "network files are little endian");

constexpr size_t kStringBytes = 40;

/// A cursor that never passes the end. One thread at a time.
class Reader {
 public:
  explicit Reader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  size_t offset() const { return offset_; }
  bool atEnd() const { return offset_ == bytes_.size(); }
  size_t remaining() const { return bytes_.size() - offset_; }

  template <typename T>
  T read(const Assembly* assembly) {
    T value;
    require(sizeof value, assembly);
    std::memcpy(&value, bytes_.data() + offset_, sizeof value);
    offset_ += sizeof value;
    return value;
  }

  Triple readTriple(const Assembly& assembly) {
    Triple triple;
    for (int& value : triple) value = read<int32_t>(&assembly);
    return triple;
  }

  std::string readString(const Assembly& assembly) {
    require(kStringBytes, &assembly);
    const auto* text = reinterpret_cast<const char*>(bytes_.data() + offset_);
    const size_t length = ::strnlen(text, kStringBytes);
    offset_ += kStringBytes;
    return {text, length};
  }

  /// The count is compared with what is left before anything is allocated.
  std::vector<float> readFloats(int64_t count, const Assembly& assembly) {
    if (count > static_cast<int64_t>(remaining() / sizeof(float))) {
      assembly.fail(offset_, "needs " + std::to_string(count) + " weights (" + std::to_string(count * 4) +
                                 " bytes), the file has " + std::to_string(remaining()) + " bytes left");
    }
    std::vector<float> values(static_cast<size_t>(count));
    std::memcpy(values.data(), bytes_.data() + offset_, values.size() * sizeof(float));
    for (size_t i = 0; i < values.size(); ++i) {
      if (!std::isfinite(values[i]))
        assembly.fail(offset_ + i * sizeof(float), "weight " + std::to_string(i) + " is not a finite number");
    }
    offset_ += values.size() * sizeof(float);
    return values;
  }

 private:
  void require(size_t count, const Assembly* assembly) const {
    if (remaining() >= count) return;
    const std::string what = "the file ends here, " + std::to_string(count - remaining()) + " bytes short";
    if (assembly != nullptr) assembly->fail(offset_, what);
    throw OtfError(Code::kModelMalformed, "header, byte " + std::to_string(offset_) + ": " + what);
  }

  std::span<const std::byte> bytes_;
  size_t offset_ = 0;
};

// What may stand in a message: a file's bytes never reach a terminal as they are.
std::string printable(const std::string& text) {
  std::string out;
  for (const char c : text) out += c >= 32 && c < 127 ? c : '?';
  return out;
}

Activation readActivation(Reader& reader, const Assembly& assembly) {
  const size_t at = reader.offset();
  const std::string text = reader.readString(assembly);
  const std::optional<Activation> activation = parseActivation(text);
  if (!activation)
    assembly.fail(at, "unknown activation '" + printable(text) + "' (RELU, LOGI, SMAX, LIN or YOLO)");
  return *activation;
}

YoloHead readYolo(Reader& reader, const Assembly& assembly) {
  YoloHead head;
  const size_t at = reader.offset();
  head.boxes = reader.read<int32_t>(&assembly);
  head.classes = reader.read<int32_t>(&assembly);
  head.parameters = reader.read<int32_t>(&assembly);
  head.fitDim = reader.read<int32_t>(&assembly);
  head.classSoftmax = reader.read<int32_t>(&assembly) != 0;
  if (head.boxes < 1 || static_cast<size_t>(head.boxes) > reader.remaining() / (3 * sizeof(float))) {
    assembly.fail(at, "YOLO head with " + std::to_string(head.boxes) + " boxes does not fit in the file");
  }
  head.priors.resize(static_cast<size_t>(head.boxes));
  for (size_t axis = 0; axis < 3; ++axis) {
    for (auto& prior : head.priors) prior[axis] = reader.read<float>(&assembly);
  }
  for (SlopeLimits& row : head.rows) {
    row.slope = reader.read<float>(&assembly);
    row.max = reader.read<float>(&assembly);
    row.min = reader.read<float>(&assembly);
  }
  return head;
}

void readConv(Reader& reader, Assembly& assembly) {
  const size_t at = reader.offset();
  ConvLayer layer;
  layer.filters = reader.read<int32_t>(&assembly);
  layer.size = reader.readTriple(assembly);
  layer.stride = reader.readTriple(assembly);
  layer.padding = reader.readTriple(assembly);
  layer.intPadding = reader.readTriple(assembly);
  const Triple extent = reader.readTriple(assembly);
  layer.trainedInput = {{extent[0], extent[1], extent[2]}, reader.read<int32_t>(&assembly)};
  layer.dropout = reader.read<float>(&assembly);
  layer.bias = reader.read<float>(&assembly);
  layer.activation = readActivation(reader, assembly);
  if (layer.activation.kind == ActivationKind::kYolo) layer.yolo = readYolo(reader, assembly);
  layer.weights = reader.readFloats(assembly.admit(layer, at), assembly);
  assembly.append(std::move(layer));
}

void readPool(Reader& reader, Assembly& assembly) {
  const size_t at = reader.offset();
  PoolLayer layer;
  layer.size = reader.readTriple(assembly);
  layer.stride = reader.readTriple(assembly);
  layer.padding = reader.readTriple(assembly);
  layer.global = reader.read<int32_t>(&assembly) != 0;
  layer.dropout = reader.read<float>(&assembly);
  const size_t kindAt = reader.offset();
  const std::string kind = reader.readString(assembly);
  if (kind != "MAX" && kind != "AVG")
    assembly.fail(kindAt, "unknown pool type '" + printable(kind) + "' (MAX or AVG)");
  layer.kind = kind == "MAX" ? PoolKind::kMax : PoolKind::kAverage;
  layer.activation = readActivation(reader, assembly);
  assembly.admit(layer, at);
  assembly.append(layer);
}

void readDense(Reader& reader, Assembly& assembly) {
  const size_t at = reader.offset();
  DenseLayer layer;
  layer.neurons = reader.read<int32_t>(&assembly);
  layer.dropout = reader.read<float>(&assembly);
  layer.bias = reader.read<float>(&assembly);
  layer.activation = readActivation(reader, assembly);
  layer.weights = reader.readFloats(assembly.admit(layer, at), assembly);
  assembly.append(std::move(layer));
}

void readGroupNorm(Reader& reader, Assembly& assembly) {
  const size_t at = reader.offset();
  const std::string kind = reader.readString(assembly);
  if (!kind.starts_with("GN")) assembly.fail(at, "unknown normalisation '" + printable(kind) + "' (GN)");
  GroupNormLayer layer;
  layer.groupSize = reader.read<int32_t>(&assembly);
  layer.setOff = reader.read<int32_t>(&assembly);
  layer.activation = readActivation(reader, assembly);
  const int64_t groups = assembly.admit(layer, at) / 2;
  layer.gamma = reader.readFloats(groups, assembly);
  layer.beta = reader.readFloats(groups, assembly);
  assembly.append(std::move(layer));
}

void readLrn(Reader& reader, Assembly& assembly) {
  const size_t at = reader.offset();
  LrnLayer layer;
  layer.range = reader.read<int32_t>(&assembly);
  layer.k = reader.read<float>(&assembly);
  layer.alpha = reader.read<float>(&assembly);
  layer.beta = reader.read<float>(&assembly);
  layer.activation = readActivation(reader, assembly);
  assembly.admit(layer, at);
  assembly.append(layer);
}

}  // namespace

Network parseBinaryNetwork(std::span<const std::byte> bytes) {
  Reader reader(bytes);
  Shape trained;
  trained.extent.w = reader.read<int32_t>(nullptr);
  trained.extent.h = reader.read<int32_t>(nullptr);
  trained.extent.d = reader.read<int32_t>(nullptr);
  trained.c = reader.read<int32_t>(nullptr);
  Assembly assembly(trained, true, 0);
  while (!reader.atEnd()) {
    const size_t at = reader.offset();
    const char tag = reader.read<char>(&assembly);
    assembly.beginLayer(tag, at);
    switch (tag) {
      case 'C':
        readConv(reader, assembly);
        break;
      case 'P':
        readPool(reader, assembly);
        break;
      case 'D':
        readDense(reader, assembly);
        break;
      case 'N':
        readGroupNorm(reader, assembly);
        break;
      default:
        readLrn(reader, assembly);
        break;
    }
  }
  return assembly.finish(reader.offset());
}

}  // namespace otf
