// Matrix products by cuBLAS: what a convolution of the same shape could take at best by way of a matrix.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace otf::kit {

/// c[m][n] = a[m][k] * b[k][n]: m filters, k weights of a filter, n positions of a batch.
struct Product {
  std::string name;
  int64_t m = 0, n = 0, k = 0;
  double flop() const {
    return 2.0 * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k);
  }
};

/// CIANNA's names of compute types.
std::vector<std::string> productTypes();

/// Throws kEngineFailed with what CUDA or cuBLAS said.
class Products {
 public:
  Products();
  Products(const Products&) = delete;
  Products& operator=(const Products&) = delete;
  ~Products();
  /// Seconds of one product, the median of several, on random numbers.
  double seconds(const Product& product, const std::string& type);
  std::string version() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace otf::kit
