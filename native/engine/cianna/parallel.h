/* Loops over values on the host, with CIANNA's own threads where it has some: a box edge is an exponential, a half
 * precision value a conversion without an instruction of its own. */
#ifndef OTF_CIANNA_PARALLEL_H
#define OTF_CIANNA_PARALLEL_H

#ifdef OPEN_MP
#define OTF_PARALLEL_FOR _Pragma("omp parallel for schedule(static)")
#else
#define OTF_PARALLEL_FOR
#endif

#endif
