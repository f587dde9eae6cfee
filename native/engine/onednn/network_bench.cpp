#include "engine/onednn/network_bench.h"

#include <algorithm>
#include <array>
#include <optional>

#include "engine/onednn/compat.h"
#include "engine/onednn/cpu.h"
#include "engine/threads/worker_thread.h"
#include "tensor/buffer.h"
#include "timing/stopwatch.h"

namespace otf {
namespace {

using DataType = dnnl::memory::data_type;
using Tag = dnnl::memory::format_tag;
using onednn::Desc;
using onednn::Dims;

// 0x3d00 twice: 0.03125 as one float (nearly) and as two bfloat16.
void fill(const Buffer& buffer) {
  auto* words = static_cast<uint32_t*>(buffer.data());
  std::fill_n(words, buffer.bytes() / sizeof(uint32_t), 0x3d003d00U);
}

DataType dataType(ComputeType type) {
  // INT8's yardstick is what its other layers are in.
  const bool isWhole = !onednn::hasBf16() || onednn::effectiveType(type) == ComputeType::kFp32cFp32a;
  return isWhole ? DataType::f32 : DataType::bf16;
}

class OnednnBareLayers final : public BareLayers {
 public:
  OnednnBareLayers(const std::shared_ptr<const Network>& network, Extent extent, int batch, ComputeType type,
                   int threads)
      : engine_(dnnl::engine::kind::cpu, 0), stream_(engine_), worker_(threadsFor(threads)) {
    worker_.run([&] { prepare(*network, extent, batch, dataType(type)); });
  }

  std::vector<double> run() override {
    std::vector<double> seconds(jobs_.size(), 0.0);
    worker_.run([&] {
      for (size_t i = 0; i < jobs_.size(); ++i) {
        if (!jobs_[i]) continue;
        const Stopwatch watch;
        jobs_[i]->primitive.execute(stream_, jobs_[i]->args);
        stream_.wait();
        seconds[i] = watch.seconds();
      }
    });
    return seconds;
  }

 private:
  struct Job {
    dnnl::primitive primitive;
    std::unordered_map<int, dnnl::memory> args;
    std::vector<std::pair<dnnl::memory, size_t>> shared;  // memory and which buffer it lies in
  };

  void prepare(const Network& network, Extent extent, int batch, DataType type) {
    const std::vector<LayerShape> shapes = inferShapes(network, extent);
    Shape in{extent, network.trained.c};
    for (size_t i = 0; i < shapes.size(); ++i) {
      const bool last = i + 1 == shapes.size();
      jobs_.push_back(jobFor(network.layers[i], in, shapes[i].shape, batch, type, last));
      in = shapes[i].shape;
    }
    for (size_t b = 0; b < sizes_.size(); ++b) {
      buffers_[b] = Buffer(sizes_[b]);
      fill(buffers_[b]);
    }
    for (auto& job : jobs_) {
      if (!job) continue;
      for (auto& [memory, buffer] : job->shared) memory.set_data_handle(buffers_[buffer].data());
    }
  }

  std::optional<Job> jobFor(const Layer& layer, const Shape& in, const Shape& out, int batch, DataType type,
                            bool last) {
    const auto dims = [&](const Shape& s) {
      return s.extent.d > 1 ? Dims{batch, s.c, s.extent.d, s.extent.h, s.extent.w}
                            : Dims{batch, s.c, s.extent.h, s.extent.w};
    };
    const DataType target = last ? DataType::f32 : type;
    dnnl::primitive_attr attr;
    attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    if (const auto* conv = std::get_if<ConvLayer>(&layer); conv != nullptr) {
      if (conv->intPadding != Triple{0, 0, 0} || in.c != conv->channels()) return std::nullopt;
      const bool deep = in.extent.d > 1 || conv->size[2] > 1;
      const auto axes = [&](const Triple& t) { return deep ? Dims{t[2], t[1], t[0]} : Dims{t[1], t[0]}; };
      Dims weights{conv->filters, conv->channels()};
      for (const int64_t side : axes(conv->size)) weights.push_back(side);
      if (conv->activation.kind == ActivationKind::kRelu) {
        dnnl::post_ops ops;
        onednn::appendRelu(ops, conv->activation.leak);
        attr.set_post_ops(ops);
      }
      Dims from = dims(in);
      Dims to = dims(out);
      if (deep && from.size() == 4) from.insert(from.begin() + 2, 1);
      if (deep && to.size() == 4) to.insert(to.begin() + 2, 1);
      const auto pd = onednn::makeConv(engine_, {from, type, Tag::any}, {weights, type, Tag::any},
                                       {{conv->filters}, DataType::f32, Tag::x}, {to, target, Tag::any},
                                       axes(conv->stride), axes(conv->padding), attr);
      return assemble(dnnl::convolution_forward(pd), pd);
    }
    if (const auto* dense = std::get_if<DenseLayer>(&layer); dense != nullptr) {
      const Dims from{batch, dense->inputs};
      const auto pd = onednn::makeInnerProduct(engine_, {from, type, Tag::any},
                                               {{dense->neurons + 1, dense->inputs}, type, Tag::any},
                                               {{dense->neurons + 1}, DataType::f32, Tag::x},
                                               {{batch, dense->neurons + 1}, DataType::f32, Tag::nc}, attr);
      return assemble(dnnl::inner_product_forward(pd), pd);
    }
    return std::nullopt;
  }

  template <typename PrimitiveDesc>
  Job assemble(dnnl::primitive primitive, const PrimitiveDesc& pd) {
    Job job{std::move(primitive), {}, {}};
    // Activations alternate between two buffers as in a real pass; weights keep memory of their own.
    const auto share = [&](int argument, const Desc& desc, size_t buffer) {
      dnnl::memory memory(desc, engine_, DNNL_MEMORY_NONE);
      sizes_[buffer] = std::max(sizes_[buffer], desc.get_size());
      job.args[argument] = memory;
      job.shared.emplace_back(memory, buffer);
    };
    share(DNNL_ARG_SRC, pd.src_desc(), turn_ ? 1 : 0);
    share(DNNL_ARG_DST, pd.dst_desc(), turn_ ? 0 : 1);
    share(DNNL_ARG_SCRATCHPAD, pd.scratchpad_desc(), 2);
    turn_ = !turn_;
    for (const auto& [argument, desc] :
         {std::pair{DNNL_ARG_WEIGHTS, pd.weights_desc()}, std::pair{DNNL_ARG_BIAS, pd.bias_desc()}}) {
      own_.emplace_back(desc.get_size());
      fill(own_.back());
      job.args[argument] = dnnl::memory(desc, engine_, own_.back().data());
    }
    return job;
  }

  dnnl::engine engine_;
  dnnl::stream stream_;
  std::vector<std::optional<Job>> jobs_;
  std::array<size_t, 3> sizes_{};
  std::array<Buffer, 3> buffers_;
  std::vector<Buffer> own_;
  bool turn_ = false;
  WorkerThread worker_;
};

}  // namespace

std::unique_ptr<BareLayers> createBareLayers(const std::shared_ptr<const Network>& network, Extent extent,
                                             int batch, ComputeType type, int threads) {
  return std::make_unique<OnednnBareLayers>(network, extent, batch, type, threads);
}

}  // namespace otf
