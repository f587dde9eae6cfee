/* Asked of a compiled CIANNA before the bridge is built (detect.cmake): how large its network struct is in
 * the objects, which the linker lets us see by wrapping malloc, and whether the headers with the given
 * defines describe that struct. Prints "network_bytes N struct_bytes M fits F". */
#include <prototypes.h>

static struct {
  void* address;
  size_t bytes;
} seen[4096];
static int count;

void* __real_malloc(size_t bytes);
void* __wrap_malloc(size_t bytes);
void* __wrap_malloc(size_t bytes) {
  void* address = __real_malloc(bytes);
  if (count < 4096) {
    seen[count].address = address;
    seen[count++].bytes = bytes;
  }
  return address;
}

int main(void) {
  int dims[4] = {7, 5, 3, 2};
  init_network(0, dims, 11, 0.375f, 6, "C_NAIV", 1, "off", 1, 1, 17);
  const network* net = networks[0];
  size_t bytes = 0;
  for (int i = 0; i < count; ++i)
    if (seen[i].address == (const void*)net) bytes = seen[i].bytes;
  int fits = bytes == sizeof(network);
  if (fits)
    fits = net->id == 0 && net->compute_method == C_NAIV && net->inference_only == 1 && net->nb_layers == 0 &&
           net->input_bias == 0.375f && net->in_dims[0] == 7 && net->in_dims[1] == 5 &&
           net->in_dims[2] == 3 && net->in_dims[3] == 2 && net->input_dim == 210 && net->output_dim == 11 &&
           net->batch_size == 6 && net->inference_drop_mode == AVG_MODEL && net->adv_size == 17 &&
           net->y_param->raw_output == 0 && net->y_param->min_prior_forced_scaling == -1.0f &&
           net->TC_scale_factor == 1.0f;
  printf("\nnetwork_bytes %zu struct_bytes %zu fits %d\n", bytes, sizeof(network), fits);
  return 0;
}
