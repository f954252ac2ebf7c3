// Filters of bytes whose weights are not negative and sum to one, as blurs' are, in whole numbers: weights are multiples of
// 2**-24, sums are exact, and so are the same in any order. Less is lost than by sums of floats.
namespace covary::COVARY_ENGINE {

struct FixedKernel {
  std::int64_t count = 0;  // a multiple of four; what is filled up weighs nothing
  std::uint32_t* taps;
  std::int64_t* line;    // where each lies in the kernel
  std::int64_t* column;
  std::int64_t first_line, last_line;
  std::int32_t* digits;  // of four taps, to the base of 256 and from -128 to 127: three times four bytes
  std::int32_t* parts;   // of two taps: the bits from 9 on, and those below, as 16-bit numbers
};

constexpr int fixed_bits = 24;
constexpr std::uint32_t widest_tap = 0x7F7F7F;  // that has three such digits

// False where a kernel cannot be said so.
inline bool fixed_kernel(const double* taps, std::int64_t lines, std::int64_t columns, FixedKernel& kernel, Scratch& scratch) {
  const std::int64_t n = lines * columns;
  double sum = 0.0;
  for (std::int64_t i = 0; i < n; ++i) {
    if (!(taps[i] >= 0.0)) return false;
    sum += taps[i];
  }
  if (!(std::fabs(sum - 1.0) < 1e-9)) return false;
  // A tap of more than the widest becomes several.
  const auto room = static_cast<std::size_t>(n + 8);
  kernel.taps = static_cast<std::uint32_t*>(scratch.piece(sizeof(std::uint32_t) * room));
  kernel.line = static_cast<std::int64_t*>(scratch.piece(sizeof(std::int64_t) * room));
  kernel.column = static_cast<std::int64_t*>(scratch.piece(sizeof(std::int64_t) * room));
  auto* whole = static_cast<std::int64_t*>(scratch.piece(sizeof(std::int64_t) * static_cast<std::size_t>(n)));
  std::int64_t missing = std::int64_t{1} << fixed_bits;
  for (std::int64_t i = 0; i < n; ++i) {
    whole[i] = static_cast<std::int64_t>(std::nearbyint(std::ldexp(taps[i], fixed_bits)));
    missing -= whole[i];
  }
  // What rounding lost or added is made good one by one, from the first tap on.
  for (std::int64_t i = 0; missing != 0; i = (i + 1) % n) {
    if (whole[i] == 0) continue;
    const std::int64_t one = missing > 0 ? 1 : -1;
    whole[i] += one;
    missing -= one;
  }
  for (std::int64_t i = 0; i < n; ++i) {
    for (auto left = static_cast<std::uint32_t>(whole[i]); left > 0;) {
      kernel.line[kernel.count] = i / columns;
      kernel.column[kernel.count] = i % columns;
      kernel.taps[kernel.count] = std::min(left, widest_tap);
      left -= kernel.taps[kernel.count++];
    }
  }
  kernel.first_line = kernel.line[0];
  kernel.last_line = kernel.line[kernel.count - 1];
  for (; kernel.count % 4 != 0; ++kernel.count) {
    kernel.line[kernel.count] = kernel.line[0];
    kernel.column[kernel.count] = kernel.column[0];
    kernel.taps[kernel.count] = 0;
  }
  kernel.digits = static_cast<std::int32_t*>(scratch.piece(sizeof(std::int32_t) * 3 * room));
  kernel.parts = static_cast<std::int32_t*>(scratch.piece(sizeof(std::int32_t) * room));
  std::memset(kernel.digits, 0, sizeof(std::int32_t) * 3 * room);
  std::memset(kernel.parts, 0, sizeof(std::int32_t) * room);
  for (std::int64_t t = 0; t < kernel.count; ++t) {
    auto left = static_cast<std::int32_t>(kernel.taps[t]);
    for (int k = 0; k < 3; ++k) {
      const auto digit = static_cast<std::int8_t>(left & 255);
      kernel.digits[t / 4 * 3 + k] |= static_cast<std::int32_t>(static_cast<std::uint32_t>(digit & 255) << (8 * (t % 4)));
      left = (left - digit) / 256;
    }
    kernel.parts[t / 2 * 2] |= static_cast<std::int32_t>((kernel.taps[t] >> 9) << (16 * (t % 2)));
    kernel.parts[t / 2 * 2 + 1] |= static_cast<std::int32_t>((kernel.taps[t] & 511) << (16 * (t % 2)));
  }
  return true;
}

// The byte nearest to a sum, ties to even.
COVARY_INLINE std::uint8_t fixed_byte(std::uint32_t sum) {
  const std::uint32_t even = (sum >> fixed_bits) & 1;
  return static_cast<std::uint8_t>((sum + ((1U << (fixed_bits - 1)) - 1) + even) >> fixed_bits);
}

constexpr std::int64_t fixed_block = 64;  // whole blocks of bytes are made, and read

inline void fixed_run_plain(const std::uint8_t* const* rows, const FixedKernel& kernel, std::int64_t n, std::uint8_t* to) {
  constexpr int group = 16;
  for (std::int64_t i = 0; i < n; i += group) {
    std::uint32_t sums[group] = {};
    for (std::int64_t t = 0; t < kernel.count; ++t) {
      const std::uint8_t* COVARY_RESTRICT from = rows[t] + i;
      const std::uint32_t tap = kernel.taps[t];
      for (int k = 0; k < group; ++k) sums[k] += tap * from[k];
    }
    for (int k = 0; k < group; ++k) to[i + k] = fixed_byte(sums[k]);
  }
}

#if defined(COVARY_ENGINE_AVX2)

#define COVARY_VNNI __attribute__((target("avx512f,avx512bw,avx512vnni")))

inline bool has_vnni() {
  static const bool found =
      __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vnni");
  return found;
}

// Four taps at once: their bytes come to stand side by side, as the digits of the weights do.
COVARY_VNNI inline void fixed_run_vnni(const std::uint8_t* const* rows, const FixedKernel& kernel, std::int64_t n,
                                       std::uint8_t* to) {
  const __m512i zero = _mm512_setzero_si512(), half = _mm512_set1_epi32(1 << (fixed_bits - 9));
  const __m512i below = _mm512_set1_epi32(0xFFFF), lowest = _mm512_set1_epi32(0xFF), even = _mm512_set1_epi32(~0x10000);
  for (std::int64_t i = 0; i < n; i += fixed_block) {
    __m512i sums[3][4] = {{zero, zero, zero, zero}, {half, half, half, half}, {zero, zero, zero, zero}};
    for (std::int64_t t = 0; t < kernel.count; t += 4) {
      const __m512i a = _mm512_loadu_si512(rows[t] + i), b = _mm512_loadu_si512(rows[t + 1] + i);
      const __m512i c = _mm512_loadu_si512(rows[t + 2] + i), d = _mm512_loadu_si512(rows[t + 3] + i);
      const __m512i low = _mm512_unpacklo_epi8(a, b), low_too = _mm512_unpacklo_epi8(c, d);
      const __m512i high = _mm512_unpackhi_epi8(a, b), high_too = _mm512_unpackhi_epi8(c, d);
      const __m512i fours[4] = {_mm512_unpacklo_epi16(low, low_too), _mm512_unpackhi_epi16(low, low_too),
                                _mm512_unpacklo_epi16(high, high_too), _mm512_unpackhi_epi16(high, high_too)};
#pragma GCC unroll 3
      for (int k = 0; k < 3; ++k) {
        const __m512i digits = _mm512_set1_epi32(kernel.digits[t / 4 * 3 + k]);
#pragma GCC unroll 4
        for (int q = 0; q < 4; ++q) sums[k][q] = _mm512_dpbusd_epi32(sums[k][q], fours[q], digits);
      }
    }
    __m512i made[4];
    __mmask16 ties[4];
#pragma GCC unroll 4
    for (int q = 0; q < 4; ++q) {
      // The sum and a half, but for its lowest digit. Of a tie all bits below the byte are 0, in that digit as well.
      made[q] = _mm512_add_epi32(_mm512_add_epi32(sums[1][q], _mm512_slli_epi32(sums[2][q], 8)), _mm512_srai_epi32(sums[0][q], 8));
      ties[q] = _mm512_testn_epi32_mask(made[q], below);
    }
    const bool any = (ties[0] | ties[1] | ties[2] | ties[3]) != 0;
#pragma GCC unroll 4
    for (int q = 0; q < 4; ++q) {
      if (any) {
        const __mmask16 tie = _mm512_mask_testn_epi32_mask(ties[q], sums[0][q], lowest);
        made[q] = _mm512_mask_and_epi32(made[q], tie, made[q], even);
      }
      made[q] = _mm512_srli_epi32(made[q], 16);
    }
    // Packing undoes the order that unpacking made.
    const __m512i first = _mm512_packus_epi32(made[0], made[1]), second = _mm512_packus_epi32(made[2], made[3]);
    _mm512_storeu_si512(to + i, _mm512_packus_epi16(first, second));
  }
}

// Two taps at once.
inline void fixed_run_avx2(const std::uint8_t* const* rows, const FixedKernel& kernel, std::int64_t n, std::uint8_t* to) {
  const __m256i zero = _mm256_setzero_si256();
  const __m256i half = _mm256_set1_epi32((1 << (fixed_bits - 1)) - 1), one = _mm256_set1_epi32(1);
  for (std::int64_t i = 0; i < n; i += 32) {
    __m256i upper[4] = {zero, zero, zero, zero}, lower[4] = {zero, zero, zero, zero};
    for (std::int64_t t = 0; t < kernel.count; t += 2) {
      const __m256i a = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(rows[t] + i));
      const __m256i b = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(rows[t + 1] + i));
      const __m256i low = _mm256_unpacklo_epi8(a, b), high = _mm256_unpackhi_epi8(a, b);
      const __m256i twos[4] = {_mm256_unpacklo_epi8(low, zero), _mm256_unpackhi_epi8(low, zero),
                               _mm256_unpacklo_epi8(high, zero), _mm256_unpackhi_epi8(high, zero)};
      const __m256i above = _mm256_set1_epi32(kernel.parts[t]), below = _mm256_set1_epi32(kernel.parts[t + 1]);
#pragma GCC unroll 4
      for (int q = 0; q < 4; ++q) {
        upper[q] = _mm256_add_epi32(upper[q], _mm256_madd_epi16(twos[q], above));
        lower[q] = _mm256_add_epi32(lower[q], _mm256_madd_epi16(twos[q], below));
      }
    }
    __m256i made[4];
#pragma GCC unroll 4
    for (int q = 0; q < 4; ++q) {
      const __m256i sum = _mm256_add_epi32(lower[q], _mm256_slli_epi32(upper[q], 9));
      const __m256i even = _mm256_and_si256(_mm256_srli_epi32(sum, fixed_bits), one);
      made[q] = _mm256_srli_epi32(_mm256_add_epi32(_mm256_add_epi32(sum, half), even), fixed_bits);
    }
    const __m256i first = _mm256_packus_epi32(made[0], made[1]), second = _mm256_packus_epi32(made[2], made[3]);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + i), _mm256_packus_epi16(first, second));
  }
}

#endif

// A whole picture of bytes; false, and nothing is done, where the filter is none of these.
inline bool filtered_in_whole_numbers(const Picture& in, const Filter& filter, std::int64_t b, const Picture& out,
                                      Scratch& scratch) {
  if (filter.kind == Filter::Kind::separable) return false;
  const std::int64_t lines = filter.taps_y, columns = filter.taps_x;
  FixedKernel kernel;
  if (!fixed_kernel(&filter.full[static_cast<std::size_t>(b * lines * columns)], lines, columns, kernel, scratch)) return false;
  const std::int64_t run = in.row_size(), margin = columns / 2 * in.channels;
  const std::int64_t made = (run + fixed_block - 1) / fixed_block * fixed_block, padded = made + 2 * margin;
  auto* memory = static_cast<std::uint8_t*>(scratch.get(Scratch::cache, static_cast<std::size_t>(lines * padded + made)));
  const auto pieces = static_cast<std::size_t>(lines);
  auto* held = static_cast<std::int64_t*>(scratch.piece(sizeof(std::int64_t) * pieces));
  auto** starts = static_cast<std::uint8_t**>(scratch.piece(sizeof(std::uint8_t*) * pieces));
  auto** rows = static_cast<const std::uint8_t**>(
      scratch.piece(sizeof(std::uint8_t*) * static_cast<std::size_t>(kernel.count)));
  for (std::int64_t k = 0; k < lines; ++k) held[k] = -1;
  auto fixed_run = fixed_run_plain;
#if defined(COVARY_ENGINE_AVX2)
  fixed_run = has_vnni() ? fixed_run_vnni : fixed_run_avx2;
#endif
  for (std::int64_t y = 0; y < in.height; ++y) {
    for (std::int64_t k = kernel.first_line; k <= kernel.last_line; ++k) {
      const std::int64_t from = border_index(y + k - lines / 2, in.height, Border::reflect);
      std::uint8_t* row = memory + from % lines * padded;
      starts[k] = row;
      if (held[from % lines] == from) continue;
      held[from % lines] = from;
      std::memcpy(row + margin, in.data + from * run, static_cast<std::size_t>(run));
      pad_mirrored(row + margin, in.width, in.channels, columns / 2);
    }
    for (std::int64_t t = 0; t < kernel.count; ++t) rows[t] = starts[kernel.line[t]] + kernel.column[t] * in.channels;
    std::uint8_t* to = out.data + y * run;
    std::uint8_t* row = made == run ? to : memory + lines * padded;
    fixed_run(rows, kernel, run, row);
    if (row != to) std::memcpy(to, row, static_cast<std::size_t>(run));
  }
  return true;
}

}  // namespace covary::COVARY_ENGINE
