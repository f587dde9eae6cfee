// The few calls whose form changed between oneDNN 2 (descriptors) and 3 (attributes passed to the primitive
// descriptor). Nothing else in this room asks for the version. Included by .cpp files of this room only.
#pragma once

#include <oneapi/dnnl/dnnl.hpp>
#include <string>

namespace otf::onednn {

using Dims = dnnl::memory::dims;
using Desc = dnnl::memory::desc;

constexpr bool kV3 = DNNL_VERSION_MAJOR >= 3;

inline dnnl::convolution_forward::primitive_desc makeConv(const dnnl::engine& engine, const Desc& src,
                                                          const Desc& weights, const Desc& bias,
                                                          const Desc& dst, const Dims& strides,
                                                          const Dims& padding,
                                                          const dnnl::primitive_attr& attr) {
  constexpr auto kind = dnnl::prop_kind::forward_inference;
  constexpr auto algorithm = dnnl::algorithm::convolution_direct;
#if DNNL_VERSION_MAJOR >= 3
  return {engine, kind, algorithm, src, weights, bias, dst, strides, padding, padding, attr};
#else
  return {{kind, algorithm, src, weights, bias, dst, strides, padding, padding}, attr, engine};
#endif
}

inline dnnl::pooling_forward::primitive_desc makePool(const dnnl::engine& engine, bool maximum,
                                                      const Desc& src, const Desc& dst, const Dims& strides,
                                                      const Dims& window, const Dims& padding,
                                                      const dnnl::primitive_attr& attr) {
  constexpr auto kind = dnnl::prop_kind::forward_inference;
  const auto algorithm =
      maximum ? dnnl::algorithm::pooling_max : dnnl::algorithm::pooling_avg_exclude_padding;
#if DNNL_VERSION_MAJOR >= 3
  const Dims dilation(window.size(), 0);
  return {engine, kind, algorithm, src, dst, strides, window, dilation, padding, padding, attr};
#else
  return {{kind, algorithm, src, dst, strides, window, padding, padding}, attr, engine};
#endif
}

inline dnnl::inner_product_forward::primitive_desc makeInnerProduct(const dnnl::engine& engine,
                                                                    const Desc& src, const Desc& weights,
                                                                    const Desc& bias, const Desc& dst,
                                                                    const dnnl::primitive_attr& attr) {
  constexpr auto kind = dnnl::prop_kind::forward_inference;
#if DNNL_VERSION_MAJOR >= 3
  return {engine, kind, src, weights, bias, dst, attr};
#else
  return {{kind, src, weights, bias, dst}, attr, engine};
#endif
}

inline dnnl::matmul::primitive_desc makeMatmul(const dnnl::engine& engine, const Desc& a, const Desc& b,
                                               const Desc& c, const dnnl::primitive_attr& attr) {
#if DNNL_VERSION_MAJOR >= 3
  return {engine, a, b, c, attr};
#else
  return {{a, b, c}, attr, engine};
#endif
}

inline void appendRelu(dnnl::post_ops& ops, float leak) {
#if DNNL_VERSION_MAJOR >= 3
  ops.append_eltwise(dnnl::algorithm::eltwise_relu, leak, 0.0F);
#else
  ops.append_eltwise(1.0F, dnnl::algorithm::eltwise_relu, leak, 0.0F);
#endif
}

/// What of a memory descriptor decides where an element lies.
struct Blocking {
  bool plainOrBlocked = false;  // false: an opaque layout
  Dims dims, padded, strides, innerBlocks, innerIndices;
};

inline Blocking blockingOf(const Desc& desc) {
  Blocking out;
#if DNNL_VERSION_MAJOR >= 3
  if (desc.get_format_kind() != dnnl::memory::format_kind::blocked) return out;
  out = {true,
         desc.get_dims(),
         desc.get_padded_dims(),
         desc.get_strides(),
         desc.get_inner_blks(),
         desc.get_inner_idxs()};
#else
  if (desc.data.format_kind != dnnl_blocked) return out;
  const auto& blocking = desc.data.format_desc.blocking;
  const int n = desc.data.ndims;
  out = {true,
         {desc.data.dims, desc.data.dims + n},
         {desc.data.padded_dims, desc.data.padded_dims + n},
         {blocking.strides, blocking.strides + n},
         {blocking.inner_blks, blocking.inner_blks + blocking.inner_nblks},
         {blocking.inner_idxs, blocking.inner_idxs + blocking.inner_nblks}};
#endif
  return out;
}

inline dnnl::memory::data_type typeOf(const Desc& desc) {
#if DNNL_VERSION_MAJOR >= 3
  return desc.get_data_type();
#else
  return desc.data_type();
#endif
}

}  // namespace otf::onednn
