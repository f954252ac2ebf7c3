// What the processor at hand has beyond AVX2. A few hot loops are written for that too, and chosen at run time: a function
// that carries one of these marks may be called only where the check of the same name says so.
#pragma once

#if defined(__x86_64__) && defined(__GNUC__)
#define COVARY_HAS_VBMI 1
#include <immintrin.h>

// Registers of 64 bytes, as sixteen floats, thirty-two words or single bytes.
#define COVARY_AVX512 __attribute__((target("avx512f,avx512dq,avx512bw,avx512vl")))
// All bytes of such a register shuffled, or looked up in tables of 64, 128 or 256.
#define COVARY_VBMI __attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,avx512vbmi")))

namespace covary {

static inline bool has_avx512() {
  static const bool found = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                            __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
  return found;
}

static inline bool has_vbmi() {
  static const bool found = has_avx512() && __builtin_cpu_supports("avx512vbmi");
  return found;
}

}  // namespace covary

#endif
