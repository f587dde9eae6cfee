// The text network file. Source: the fscanf forms of CIANNA 1.0 (conv_load, pool_load,
// dense_load, norm_load, lrn_load).
#include <charconv>
#include <cmath>

#include "error/error.h"
#include "model/assembly.h"

namespace otf {
namespace {

/// Tokens of a text file with their byte offsets. One thread at a time.
class Scanner {
 public:
  explicit Scanner(std::span<const std::byte> bytes)
      : text_(reinterpret_cast<const char*>(bytes.data()), bytes.size()) {}

  size_t offset() const { return offset_; }

  bool atEnd() {
    skipBlanks();
    return offset_ == text_.size();
  }

  char take() { return text_[offset_++]; }

  void skipBlanks() {
    while (offset_ < text_.size() && isBlank(text_[offset_])) ++offset_;
  }

  void expect(std::string_view literal, const Assembly* assembly) {
    if (text_.substr(offset_, literal.size()) != literal)
      fail(assembly, "expected '" + std::string(literal) + "'");
    offset_ += literal.size();
  }

  int readInt(const Assembly* assembly) { return readNumber<int>(assembly, "a whole number"); }

  float readFloat(const Assembly* assembly) {
    const size_t at = offset_;
    const float value = readNumber<float>(assembly, "a number");
    if (!std::isfinite(value)) {
      offset_ = at;
      fail(assembly, "a value is not a finite number");
    }
    return value;
  }

  Triple readTriple(const Assembly* assembly) {
    Triple triple;
    triple[0] = readInt(assembly);
    expect("x", assembly);
    triple[1] = readInt(assembly);
    expect("x", assembly);
    triple[2] = readInt(assembly);
    return triple;
  }

  std::string_view readWord() {
    skipBlanks();
    const size_t start = offset_;
    while (offset_ < text_.size() && !isBlank(text_[offset_])) ++offset_;
    return text_.substr(start, offset_ - start);
  }

  /// Each value takes at least two bytes (a digit and a blank), which bounds the allocation by the file.
  std::vector<float> readFloats(int64_t count, const Assembly& assembly) {
    if (count > static_cast<int64_t>((text_.size() - offset_) / 2 + 1)) {
      fail(&assembly, "needs " + std::to_string(count) + " weights, the file has " +
                          std::to_string(text_.size() - offset_) + " bytes left");
    }
    std::vector<float> values(static_cast<size_t>(count));
    for (float& value : values) {
      skipBlanks();
      value = readFloat(&assembly);
    }
    return values;
  }

  [[noreturn]] void fail(const Assembly* assembly, const std::string& what) const {
    if (assembly != nullptr) assembly->fail(offset_, what);
    throw OtfError(Code::kModelMalformed, "header, byte " + std::to_string(offset_) + ": " + what);
  }

 private:
  static bool isBlank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

  template <typename T>
  T readNumber(const Assembly* assembly, const char* what) {
    // from_chars takes no leading '+', which fscanf does.
    if (offset_ < text_.size() && text_[offset_] == '+') ++offset_;
    T value{};
    const auto [end, error] = std::from_chars(text_.data() + offset_, text_.data() + text_.size(), value);
    if (error == std::errc::result_out_of_range) fail(assembly, "a number is out of range");
    if (error != std::errc())
      fail(assembly, offset_ == text_.size() ? "the file ends here" : std::string("expected ") + what);
    offset_ = static_cast<size_t>(end - text_.data());
    return value;
  }

  std::string_view text_;
  size_t offset_ = 0;
};

Activation readActivation(Scanner& scanner, const Assembly& assembly) {
  const size_t at = scanner.offset();
  const std::optional<Activation> activation = parseActivation(scanner.readWord());
  if (!activation) assembly.fail(at, "unknown activation (RELU, LOGI, SMAX, LIN or YOLO)");
  return *activation;
}

// <size>.<stride>s<padding>p, as convolutions and pools have it
template <typename Layer>
void readWindow(Scanner& scanner, const Assembly& assembly, Layer& layer) {
  layer.size = scanner.readTriple(&assembly);
  scanner.expect(".", &assembly);
  layer.stride = scanner.readTriple(&assembly);
  scanner.expect("s", &assembly);
  layer.padding = scanner.readTriple(&assembly);
  scanner.expect("p", &assembly);
}

YoloHead readYolo(Scanner& scanner, const Assembly& assembly) {
  const auto nextInt = [&] {
    scanner.skipBlanks();
    return scanner.readInt(&assembly);
  };
  const auto nextFloat = [&] {
    scanner.skipBlanks();
    return scanner.readFloat(&assembly);
  };
  YoloHead head;
  const size_t at = scanner.offset();
  head.boxes = nextInt();
  head.classes = nextInt();
  head.parameters = nextInt();
  head.fitDim = nextInt();
  head.classSoftmax = nextInt() != 0;
  if (head.boxes < 1 || head.boxes > 4096)
    assembly.fail(at, "YOLO head with " + std::to_string(head.boxes) + " boxes is out of range");
  head.priors.resize(static_cast<size_t>(head.boxes));
  for (size_t axis = 0; axis < 3; ++axis) {
    for (auto& prior : head.priors) prior[axis] = nextFloat();
  }
  for (SlopeLimits& row : head.rows) {
    row.slope = nextFloat();
    row.max = nextFloat();
    row.min = nextFloat();
  }
  return head;
}

// C<n>f<size>.<stride>s<padding>p<internal padding>ip<W>x<H>x<D>x<C>idim<dropout>d<bias>b<activation>
void readConv(Scanner& scanner, Assembly& assembly, size_t at) {
  ConvLayer layer;
  layer.filters = scanner.readInt(&assembly);
  scanner.expect("f", &assembly);
  readWindow(scanner, assembly, layer);
  layer.intPadding = scanner.readTriple(&assembly);
  scanner.expect("ip", &assembly);
  const Triple extent = scanner.readTriple(&assembly);
  scanner.expect("x", &assembly);
  layer.trainedInput = {{extent[0], extent[1], extent[2]}, scanner.readInt(&assembly)};
  scanner.expect("idim", &assembly);
  layer.dropout = scanner.readFloat(&assembly);
  scanner.expect("d", &assembly);
  layer.bias = scanner.readFloat(&assembly);
  scanner.expect("b", &assembly);
  layer.activation = readActivation(scanner, assembly);
  if (layer.activation.kind == ActivationKind::kYolo) layer.yolo = readYolo(scanner, assembly);
  layer.weights = scanner.readFloats(assembly.admit(layer, at), assembly);
  assembly.append(std::move(layer));
}

// P<size>.<stride>s<padding>p<global>g_<dropout>d<MAX|AVG> <activation>
void readPool(Scanner& scanner, Assembly& assembly, size_t at) {
  PoolLayer layer;
  readWindow(scanner, assembly, layer);
  layer.global = scanner.readInt(&assembly) != 0;
  scanner.expect("g_", &assembly);
  layer.dropout = scanner.readFloat(&assembly);
  scanner.expect("d", &assembly);
  const size_t kindAt = scanner.offset();
  const std::string_view kind = scanner.readWord();
  if (kind != "MAX" && kind != "AVG") assembly.fail(kindAt, "unknown pool type (MAX or AVG)");
  layer.kind = kind == "MAX" ? PoolKind::kMax : PoolKind::kAverage;
  layer.activation = readActivation(scanner, assembly);
  assembly.admit(layer, at);
  assembly.append(layer);
}

// D<n>n<dropout>d<bias>b<activation>
void readDense(Scanner& scanner, Assembly& assembly, size_t at) {
  DenseLayer layer;
  layer.neurons = scanner.readInt(&assembly);
  scanner.expect("n", &assembly);
  layer.dropout = scanner.readFloat(&assembly);
  scanner.expect("d", &assembly);
  layer.bias = scanner.readFloat(&assembly);
  scanner.expect("b", &assembly);
  layer.activation = readActivation(scanner, assembly);
  layer.weights = scanner.readFloats(assembly.admit(layer, at), assembly);
  assembly.append(std::move(layer));
}

// N GN S<group size>_O<set-off><activation>
void readGroupNorm(Scanner& scanner, Assembly& assembly, size_t at) {
  scanner.skipBlanks();
  const size_t kindAt = scanner.offset();
  if (!scanner.readWord().starts_with("GN")) assembly.fail(kindAt, "unknown normalisation (GN)");
  scanner.skipBlanks();
  GroupNormLayer layer;
  scanner.expect("S", &assembly);
  layer.groupSize = scanner.readInt(&assembly);
  scanner.expect("_O", &assembly);
  layer.setOff = scanner.readInt(&assembly);
  layer.activation = readActivation(scanner, assembly);
  const int64_t groups = assembly.admit(layer, at) / 2;
  layer.gamma = scanner.readFloats(groups, assembly);
  layer.beta = scanner.readFloats(groups, assembly);
  assembly.append(std::move(layer));
}

// L <range> <k> <alpha> <beta> <activation>
void readLrn(Scanner& scanner, Assembly& assembly, size_t at) {
  LrnLayer layer;
  scanner.skipBlanks();
  layer.range = scanner.readInt(&assembly);
  for (float* value : {&layer.k, &layer.alpha, &layer.beta}) {
    scanner.skipBlanks();
    *value = scanner.readFloat(&assembly);
  }
  layer.activation = readActivation(scanner, assembly);
  assembly.admit(layer, at);
  assembly.append(layer);
}

}  // namespace

Network parseTextNetwork(std::span<const std::byte> bytes) {
  Scanner scanner(bytes);
  const Triple extent = scanner.readTriple(nullptr);
  scanner.expect("x", nullptr);
  Assembly assembly({{extent[0], extent[1], extent[2]}, scanner.readInt(nullptr)}, false, 0);
  while (!scanner.atEnd()) {
    const size_t at = scanner.offset();
    const char tag = scanner.take();
    assembly.beginLayer(tag, at);
    switch (tag) {
      case 'C':
        readConv(scanner, assembly, at);
        break;
      case 'P':
        readPool(scanner, assembly, at);
        break;
      case 'D':
        readDense(scanner, assembly, at);
        break;
      case 'N':
        readGroupNorm(scanner, assembly, at);
        break;
      default:
        readLrn(scanner, assembly, at);
        break;
    }
  }
  return assembly.finish(scanner.offset());
}

}  // namespace otf
