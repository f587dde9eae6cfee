/* The C_CUDA side of the bridge: input and output between host rows and the device, in the network's compute
 * type. */
#ifndef OTF_CIANNA_BRIDGE_CUDA_H
#define OTF_CIANNA_BRIDGE_CUDA_H

#include <prototypes.h>
#include <stdint.h>

/* Devices this process can use; the first one's name or the reason in `text`. */
int otfCudaDevices(char* text, size_t size);
/* Device input of the network and pinned staging memory, for an output of valuesOut per item. 0, or -1 and
 * `error`. */
int otfCudaOpen(network* net, int64_t valuesOut, char* error, size_t size);
/* `count` items to the device: one pass into pinned rows of its type, with the bias column, and one transfer.
 */
void otfCudaInput(network* net, int count, const float* input);
/* The last layer's output, [C][N][D*H*W] FP32, in pinned host memory. Waits for the device; a device error
 * ends the process. */
const float* otfCudaOutput(network* net);
void otfCudaSeed(uint64_t seed);
void otfCudaClose(void);

#endif
