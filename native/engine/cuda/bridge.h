// The whole of what otf-engine knows of libotf_cuda.so: our own execution on NVIDIA GPUs, loaded at run time, so
// that the program also runs where there is no driver. Errors are codes of error/error.h with their text.
#ifndef OTF_CUDA_BRIDGE_H
#define OTF_CUDA_BRIDGE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define OTF_CUDA_ABI 2

typedef struct OtfCudaError {
  int code; /* otf::Code */
  char text[1024];
} OtfCudaError;

typedef struct OtfCudaDevice {
  char name[256];
  char version[64];
  char types[256]; /* compute types, separated by blanks */
} OtfCudaDevice;

typedef struct OtfCudaRequest {
  const void* network; /* the binary file */
  size_t bytes;
  const char* computeType; /* one of the device's */
  float inputBias;
  int rawOutput;
  int mostItems; /* at once; 0: what is usual */
} OtfCudaRequest;

typedef struct OtfCudaTile {
  int width, height, depth;
} OtfCudaTile;

typedef struct OtfCudaNetwork OtfCudaNetwork;

/* Functions that return int: 0, or -1 with the error. Tensors as otf::Engine has them. Thread-safe. */
typedef struct OtfCudaApi {
  int abi; /* OTF_CUDA_ABI of the library */
  int (*describe)(OtfCudaDevice* device, OtfCudaError* error);
  int (*open)(const OtfCudaRequest* request, OtfCudaNetwork** network, OtfCudaError* error);
  int (*forward)(OtfCudaNetwork* network, OtfCudaTile tile, int batch, const float* input, float* output,
                 OtfCudaError* error);
  int (*monteCarlo)(OtfCudaNetwork* network, OtfCudaTile tile, int batch, int repeats, uint64_t seed,
                    const float* input, float* mean, float* deviation, OtfCudaError* error);
  /* visit(context, layer, kernel, seconds) for each step of a pass. */
  int (*profile)(OtfCudaNetwork* network, OtfCudaTile tile, int batch, const float* input, float* output,
                 void (*visit)(void* context, size_t layer, const char* kernel, double seconds),
                 void* context, OtfCudaError* error);
  /* Seconds of a pass over items that are on the device already. */
  int (*resident)(OtfCudaNetwork* network, OtfCudaTile tile, int items, int repeats, double* seconds,
                  OtfCudaError* error);
  int64_t (*memoryBytes)(OtfCudaNetwork* network);
  void (*close)(OtfCudaNetwork* network);
} OtfCudaApi;

#define OTF_CUDA_ENTRY "otfCuda"
typedef const OtfCudaApi* (*OtfCudaEntry)(void);

#ifdef __cplusplus
}
#endif
#endif
