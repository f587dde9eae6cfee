// Function versions for the vector units of the machine it runs on: the build itself stays at baseline x86-64.
#pragma once

// Sanitised builds run before their runtime is ready in ifunc resolvers;
// other compilers and machines take the plain one.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__)
#define OTF_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define OTF_CLONES
#endif
