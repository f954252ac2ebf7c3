// Bytes found in tables of 256, by shuffles of whole registers where the processor has them (AVX-512 VBMI).
#pragma once

#include <cstdint>

#include "processor.hpp"

#if defined(COVARY_HAS_VBMI)

namespace covary {

// A table of 256 bytes in four registers: two look-ups of 128 entries each, the byte's top bit chooses between them.
struct Bytes256 {
  __m512i part[4];
};

COVARY_VBMI static inline __m512i look_up64(const Bytes256& table, __m512i bytes) {
  const __m512i low = _mm512_permutex2var_epi8(table.part[0], bytes, table.part[1]);
  const __m512i high = _mm512_permutex2var_epi8(table.part[2], bytes, table.part[3]);
  return _mm512_mask_blend_epi8(_mm512_movepi8_mask(bytes), low, high);
}

// Whole blocks of 192 bytes, in which three interleaved channels end evenly; `step` is 256 where each has a table of its own,
// else 0. Returns how many bytes were done.
COVARY_VBMI static inline std::int64_t look_up_blocks(const std::uint8_t* tables, std::int64_t step, std::int64_t n,
                                               const std::uint8_t* from, bool streamed, std::uint8_t* to) {
  const int channels = step == 0 ? 1 : 3;
  Bytes256 table[3];
  for (int c = 0; c < channels; ++c)
    for (int k = 0; k < 4; ++k) table[c].part[k] = _mm512_loadu_si512(tables + c * step + 64 * k);
  // Byte j of block b belongs to channel (64 b + j) % 3: so many bits from the least significant on, every third one.
  constexpr std::uint64_t third = 0x9249249249249249U;
  const bool aligned = streamed && reinterpret_cast<std::uintptr_t>(to) % 64 == 0;
  std::int64_t i = 0;
  for (; i + 192 <= n; i += 192) {
    for (int block = 0; block < 3; ++block) {
      const __m512i bytes = _mm512_loadu_si512(from + i + 64 * block);
      __m512i found = look_up64(table[0], bytes);
      for (int c = 1; c < channels; ++c) {
        const int first = (c + 2 * block) % 3;  // 64 is one more than a multiple of three
        found = _mm512_mask_blend_epi8(third << first, found, look_up64(table[c], bytes));
      }
      auto* target = reinterpret_cast<__m512i*>(to + i + 64 * block);
      if (aligned) {
        _mm512_stream_si512(target, found);
      } else {
        _mm512_storeu_si512(target, found);
      }
    }
  }
  return i;
}

}  // namespace covary

#endif
