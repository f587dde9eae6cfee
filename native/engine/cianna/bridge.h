/* The whole of what otf-engine knows of the user's compiled CIANNA: a C99 library, libotf_cianna.so, built
 * against that CIANNA's own headers and object files, and loaded by the engine process only.
 *
 * CIANNA keeps global state, frees nothing, prints to stdout and calls exit() on most errors. So: one network
 * per process, opened once; every function may end the process (the parent then has the exit code and what
 * was printed); one thread, the one that called otfCiannaOpen. */
#ifndef OTF_CIANNA_BRIDGE_H
#define OTF_CIANNA_BRIDGE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define OTF_CIANNA_ABI 1

/* What the library was built against. Lists are separated by blanks. */
typedef struct OtfCiannaBuild {
  int abi;             /* OTF_CIANNA_ABI of the library */
  const char* version; /* CIANNA's own words, "V-1.0.0.0 Release build (07/2024)" */
  const char* root;    /* the checkout, CIANNA_ROOT of the build */
  const char* methods; /* "C_CUDA C_BLAS C_NAIV", of those compiled in */
  const char* types;   /* compute types C_CUDA really has ("FP32C_FP32A ..."), "" without CUDA */
  int openMp;          /* 1: its loops are parallel */
  int maxLayers;       /* MAX_LAYERS_NB */
} OtfCiannaBuild;

typedef struct OtfCiannaRequest {
  const char* file; /* a binary network file this process may write to: CIANNA opens it "rb+" */
  int width, height, depth, channels;
  int batch;               /* items the network is laid out for */
  const char* method;      /* "C_CUDA", "C_BLAS", "C_NAIV" */
  const char* computeType; /* of `types`; matters for C_CUDA only */
  float inputBias;
  int rawOutput; /* YOLO: activated values instead of box edges in pixels of the tile */
  int threads;
} OtfCiannaRequest;

typedef struct OtfCiannaOpened {
  int64_t valuesIn, valuesOut; /* per item; a dense output counts its bias node */
  int64_t memoryBytes;         /* CIANNA's own estimate plus this library's buffers */
  int firstRandomLayer;        /* -1: no dropout anywhere */
} OtfCiannaOpened;

typedef struct OtfCiannaApi {
  const OtfCiannaBuild* build;
  /* Number of CUDA devices CIANNA could use; the first one's name, or why there is none, in `text`. */
  int (*devices)(char* text, size_t size);
  /* 0, or -1 with the reason in `error`. Once per process. */
  int (*open)(const OtfCiannaRequest* request, OtfCiannaOpened* opened, char* error, size_t size);
  /* count <= batch. input [count][C][D][H][W], output [count][valuesOut]: one pass each into and out of
   * CIANNA. */
  void (*run)(int count, const float* input, float* output);
  /* monteCarlo 1: dropout masks are drawn (from `seed`); 0: values are scaled. Until the next call. */
  void (*setDropout)(int monteCarlo, uint64_t seed);
  /* The last run()'s items again, from the first layer that draws. */
  void (*rerun)(int count, float* output);
  /* Seconds of CIANNA's own loop over its layers on the last run()'s items, nothing copied: the yardstick of
   * bench. */
  double (*ownForward)(int count);
  /* Seconds that the same loop took inside the last run(). */
  double (*lastForward)(void);
  void (*close)(void);
} OtfCiannaApi;

#define OTF_CIANNA_ENTRY "otfCianna"
typedef const OtfCiannaApi* (*OtfCiannaEntry)(void);

#ifdef __cplusplus
}
#endif
#endif
