/* See bridge.h. Compiled with CIANNA's headers and the defines its objects were compiled with (detect.cmake).
 */
#include "bridge.h"

#include <float.h>
#include <prototypes.h>

#include "parallel.h"
#ifdef CUDA
#include "bridge_cuda.h"
#endif

/* Measured in the objects by probe.c: another layout here would read another field there. */
_Static_assert(sizeof(network) == OTF_CIANNA_NETWORK_BYTES,
               "CIANNA's network struct is not the one its objects use");

/* Only in OpenBLAS; another BLAS takes its own environment variables. */
extern void openblas_set_num_threads(int count) __attribute__((weak));

static struct {
  network* net;
  float* rows; /* CIANNA's input: [batch][values in + 1], the last one the input bias */
  int64_t valuesIn, planes, planeValues;
  int dense; /* the last layer is dense: its output is per item already */
  int box;   /* box edges are computed on the way out */
  int firstRandom;
  double forwardSeconds;
} state;

#define FAIL(...)                       \
  do {                                  \
    snprintf(error, size, __VA_ARGS__); \
    return -1;                          \
  } while (0)

/* The fields this file uses, as init_network must have left them: catches a layout the build did not. */
static int layoutFits(const network* net, const OtfCiannaRequest* r) {
  return net->id == 0 && net->in_dims[0] == r->width && net->in_dims[1] == r->height &&
         net->in_dims[2] == r->depth && net->in_dims[3] == r->channels && net->batch_size == r->batch &&
         net->input_bias == r->inputBias && net->output_dim == 1 && net->nb_layers == 0 &&
         net->inference_only == 1 && net->y_param != NULL && net->y_param->nb_box == 0 &&
         net->TC_scale_factor == 1.0f;
}

static void setThreads(int threads) {
#ifdef OPEN_MP
  omp_set_num_threads(threads);
#endif
  if (openblas_set_num_threads) openblas_set_num_threads(threads);
}

static void describeOutput(const layer* last) {
  const int* area = NULL;
  state.dense = last->type == DENSE;
  switch (last->type) {
    case CONV:
      state.planes = ((const conv_param*)last->param)->nb_filters;
      area = ((const conv_param*)last->param)->nb_area;
      break;
    case POOL:
      state.planes = ((const pool_param*)last->param)->nb_maps;
      area = ((const pool_param*)last->param)->nb_area;
      break;
    case NORM:
      state.planes = ((const norm_param*)last->param)->n_dim;
      state.planeValues = ((const norm_param*)last->param)->dim_offset;
      break;
    case LRN:
      state.planes = ((const lrn_param*)last->param)->n_dim;
      state.planeValues = ((const lrn_param*)last->param)->dim_offset;
      break;
    default:
      state.planes = ((const dense_param*)last->param)->nb_neurons + 1;
      state.planeValues = 1;
  }
  if (area != NULL) state.planeValues = (int64_t)area[0] * area[1] * area[2];
}

static int firstRandomLayer(const network* net) {
  for (int k = 0; k < net->nb_layers; ++k) {
    const layer* l = net->net_layers[k];
    if ((l->type == CONV || l->type == POOL || l->type == DENSE) && l->dropout_rate > 0.01f) return k;
  }
  return -1;
}

static int openInput(const OtfCiannaRequest* r, char* error, size_t size) {
#ifdef CUDA
  if (state.net->compute_method == C_CUDA)
    return otfCudaOpen(state.net, state.planes * state.planeValues, error, size);
#endif
  const size_t row = (size_t)state.valuesIn + 1;
  state.rows = calloc(row * (size_t)r->batch, sizeof(float));
  if (state.rows == NULL) FAIL("not enough memory for a batch of %d", r->batch);
  for (int n = 0; n < r->batch; ++n) state.rows[(size_t)n * row + row - 1] = r->inputBias;
  state.net->input = state.rows;
  return 0;
}

static int openNetwork(const OtfCiannaRequest* r, OtfCiannaOpened* opened, char* error, size_t size) {
  if (state.net != NULL) FAIL("this process holds a network already");
  int dims[4] = {r->width, r->height, r->depth, r->channels};
  setThreads(r->threads);
  /* dynamic_load 1, inference_only 1, no logo: no buffers for training, data sent batch by batch. */
  init_network(0, dims, 1, r->inputBias, r->batch, r->method, 1, r->computeType, 1, 1, 0);
  /* init_network takes SIGINT for an exit(); whether an engine ends is its parent's decision. */
  signal(SIGINT, SIG_IGN);
  network* net = networks[0];
  if (net == NULL || !layoutFits(net, r))
    FAIL("CIANNA's data is not laid out as in the build: build again, with CIANNA_ROOT as it is now");
  /* load_network writes through tables that only this call allocates; every value in them comes from the
   * file. */
  set_yolo_params(net, 1, 0, 0, 0, "IoU", "SIZE", NULL, NULL, 2, 0, 0, 0.0f, 0.0f, 0.0f, NULL, NULL, NULL,
                  NULL, NULL, 0, 0, "natural", 0, r->rawOutput);
  load_network(net, r->file, 0, 0, 1);
  if (net->nb_layers < 1) FAIL("CIANNA found no layer in the network file");

  state.net = net;
  state.valuesIn = (int64_t)net->input_dim;
  const layer* last = net->net_layers[net->nb_layers - 1];
  describeOutput(last);
  state.box = last->type == CONV && last->activation_type == YOLO && !r->rawOutput;
  state.firstRandom = firstRandomLayer(net);
  net->length = r->batch;
  net->is_inference = 1;
  net->inference_drop_mode = AVG_MODEL;
  net->no_error = 1;
  net->perf_eval = 0;
  if (openInput(r, error, size) != 0) return -1;
  opened->valuesIn = state.valuesIn;
  opened->valuesOut = state.planes * state.planeValues;
  opened->memoryBytes = net->memory_footprint + (state.valuesIn + 1) * r->batch * (int64_t)sizeof(float);
  opened->firstRandomLayer = state.firstRandom;
  return 0;
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void forwardFrom(int first) {
  network* net = state.net;
  const double start = now();
  for (int k = first; k < net->nb_layers; ++k) net->net_layers[k]->forward(net->net_layers[k]);
#ifdef CUDA
  if (net->compute_method == C_CUDA) cuda_sync();
#endif
  state.forwardSeconds = now() - start;
}

/* Box edges, with the operations in the order in which CIANNA's writer of results does them, priors as in the
 * file. */
static void edgePlane(const float* position, const float* extent, int axis, int upper, const int* area,
                      float prior, float* out) {
  const float cell = (float)(state.net->in_dims[axis] / area[axis]);
  int64_t i = 0;
  for (int z = 0; z < area[2]; ++z) {
    for (int y = 0; y < area[1]; ++y) {
      for (int x = 0; x < area[0]; ++x, ++i) {
        float edge = (float)(axis == 0 ? x : axis == 1 ? y : z) * cell;
        edge += position[i] * cell;
        const float half = 0.5f * prior * expf(extent[i]);
        out[i] = upper ? edge + half : edge - half;
      }
    }
  }
}

static void copyOut(int count, float* output) {
  const network* net = state.net;
  const layer* last = net->net_layers[net->nb_layers - 1];
  const float* from = last->output;
#ifdef CUDA
  if (net->compute_method == C_CUDA) from = otfCudaOutput(state.net);
#endif
  if (state.dense) {
    memcpy(output, from, (size_t)(state.planes * count) * sizeof(float));
    return;
  }
  const int64_t plane = state.planeValues, channel = plane * net->batch_size;
  const yolo_param* yolo = net->y_param;
  const int perBox = state.box ? 8 + yolo->nb_class + yolo->nb_param : 0;
  const int* area = state.box ? ((const conv_param*)last->param)->nb_area : NULL;
  OTF_PARALLEL_FOR
  for (int64_t i = 0; i < count * state.planes; ++i) {
    const int64_t n = i / state.planes, c = i % state.planes;
    const float* in = from + c * channel + n * plane;
    float* out = output + i * plane;
    const int column = state.box ? (int)(c % perBox) : 6;
    if (column < 3)
      edgePlane(in, in + 3 * channel, column, 0, area, yolo->prior_size[c / perBox * 3 + column], out);
    else if (column < 6)
      edgePlane(in - 3 * channel, in, column - 3, 1, area, yolo->prior_size[c / perBox * 3 + column - 3],
                out);
    else
      memcpy(out, in, (size_t)plane * sizeof(float));
  }
}

static void takeInput(int count, const float* input) {
#ifdef CUDA
  if (state.net->compute_method == C_CUDA) {
    otfCudaInput(state.net, count, input);
    return;
  }
#endif
  OTF_PARALLEL_FOR
  for (int n = 0; n < count; ++n)
    memcpy(state.rows + n * (state.valuesIn + 1), input + n * state.valuesIn,
           (size_t)state.valuesIn * sizeof(float));
}

static void run(int count, const float* input, float* output) {
  takeInput(count, input);
  state.net->length = count;
  forwardFrom(0);
  copyOut(count, output);
}

static void setDropout(int monteCarlo, uint64_t seed) {
  state.net->inference_drop_mode = monteCarlo ? MC_MODEL : AVG_MODEL;
  if (!monteCarlo) return;
  srand((unsigned)(seed ^ (seed >> 32))); /* random_uniform() draws from rand() */
#ifdef CUDA
  if (state.net->compute_method == C_CUDA) otfCudaSeed(seed);
#endif
}

static void rerun(int count, float* output) {
  forwardFrom(state.firstRandom < 0 ? 0 : state.firstRandom);
  copyOut(count, output);
}

static double ownForward(int count) {
  state.net->length = count;
  forwardFrom(0);
  return state.forwardSeconds;
}

static double lastForward(void) { return state.forwardSeconds; }

static void closeNetwork(void) {
  /* CIANNA has no call that frees a network: its memory goes with the process. */
#ifdef CUDA
  if (state.net != NULL && state.net->compute_method == C_CUDA) otfCudaClose();
#endif
  free(state.rows);
  state.rows = NULL;
}

static int devices(char* text, size_t size) {
#ifdef CUDA
  return otfCudaDevices(text, size);
#else
  snprintf(text, size, "this CIANNA was compiled without CUDA");
  return 0;
#endif
}

static const OtfCiannaBuild build = {OTF_CIANNA_ABI,
                                     OTF_CIANNA_VERSION,
                                     OTF_CIANNA_ROOT,
                                     OTF_CIANNA_METHODS,
                                     OTF_CIANNA_TYPES,
#ifdef OPEN_MP
                                     1,
#else
                                     0,
#endif
                                     MAX_LAYERS_NB};
static const OtfCiannaApi api = {&build, devices,    openNetwork, run,         setDropout,
                                 rerun,  ownForward, lastForward, closeNetwork};

__attribute__((visibility("default"))) const OtfCiannaApi* otfCianna(void) { return &api; }
