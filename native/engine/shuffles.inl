// Rows whose pixels all come from one row of the source, as shuffles of bytes: what holds for one row holds for all.
namespace covary::COVARY_ENGINE {

#if defined(COVARY_ENGINE_AVX2)

// Some bytes of an output row, 64 or 16: each is found in one of two windows of the source row, or is painted.
struct Shuffle {
  std::int64_t to;  // offset of the first byte in the output row
  std::int64_t a;   // offsets of the windows in the source row
  std::int64_t b;
  bool both;
  // Places in the windows, 0x80 for bytes that are not found there; and the painted bytes, 0 where none is.
  alignas(64) std::uint8_t in_a[64];
  alignas(64) std::uint8_t in_b[64];
  alignas(64) std::uint8_t painted[64];
};

struct Shuffles {
  const Shuffle* wide = nullptr;  // of 64 bytes
  std::int64_t wide_count = 0;
  const Shuffle* narrow = nullptr;  // of 16
  std::int64_t narrow_count = 0;

  bool any() const { return wide_count + narrow_count > 0; }
};

// The bytes to .. to + bytes of a row whose pixel x, of `size` bytes, stands at `offset[x]` of the source row, or is `paint`
// where that is negative. False if two windows do not hold them all.
inline bool fill_shuffle(const std::int64_t* offset, std::int64_t size, const std::uint8_t* paint, std::int64_t to, int bytes,
                         std::int64_t source_bytes, Shuffle& shuffle) {
  std::int64_t from[64];
  std::int64_t low = source_bytes;
  std::int64_t high = -1;
  std::int64_t pixel = to / size;
  std::int64_t part = to % size;
  for (int j = 0; j < bytes; ++j) {
    from[j] = offset[pixel] < 0 ? -1 : offset[pixel] + part;
    shuffle.painted[j] = from[j] < 0 ? paint[part] : std::uint8_t{0};
    if (from[j] >= 0) {
      low = std::min(low, from[j]);
      high = std::max(high, from[j]);
    }
    if (++part == size) {
      part = 0;
      ++pixel;
    }
  }
  shuffle.to = to;
  shuffle.a = std::min(low, source_bytes - bytes);
  shuffle.b = std::max<std::int64_t>(high + 1 - bytes, 0);
  shuffle.both = false;
  for (int j = 0; j < bytes; ++j) {
    const std::int64_t at_a = from[j] - shuffle.a;
    const std::int64_t at_b = from[j] - shuffle.b;
    const bool seen = from[j] >= 0;
    const bool found_a = seen && at_a < bytes;
    const bool found_b = seen && !found_a && at_b >= 0;
    if (seen && !found_a && !found_b) return false;
    shuffle.in_a[j] = found_a ? static_cast<std::uint8_t>(at_a) : std::uint8_t{0x80};
    shuffle.in_b[j] = found_b ? static_cast<std::uint8_t>(at_b) : std::uint8_t{0x80};
    shuffle.both = shuffle.both || found_b;
  }
  return true;
}

// All of a row; none where that cannot be done, or does not pay.
inline Shuffles shuffles_of(const std::int64_t* offset, std::int64_t width, std::int64_t height, std::int64_t size,
                            const std::uint8_t* paint, std::int64_t source_bytes, Scratch& scratch) {
  const std::int64_t bytes = width * size;
  if (height < 4 || bytes < 16 || source_bytes < 16) return {};
  Shuffles found;
  const std::int64_t wide_count = has_vbmi() && source_bytes >= 64 ? bytes / 64 : 0;
  const std::int64_t rest = bytes - 64 * wide_count;
  const std::int64_t narrow_count = (rest + 15) / 16;
  auto* all = static_cast<Shuffle*>(scratch.piece(sizeof(Shuffle) * static_cast<std::size_t>(wide_count + narrow_count)));
  for (std::int64_t k = 0; k < wide_count; ++k)
    if (!fill_shuffle(offset, size, paint, 64 * k, 64, source_bytes, all[k])) return {};
  // The last one overlaps those before it where the row does not end evenly.
  for (std::int64_t k = 0; k < narrow_count; ++k) {
    const std::int64_t to = std::min(64 * wide_count + 16 * k, bytes - 16);
    if (!fill_shuffle(offset, size, paint, to, 16, source_bytes, all[wide_count + k])) return {};
  }
  return {all, wide_count, all + wide_count, narrow_count};
}

COVARY_VBMI inline void shuffle_wide(const Shuffle* shuffles, std::int64_t count, const std::uint8_t* from, std::uint8_t* to) {
  for (const Shuffle* s = shuffles; s < shuffles + count; ++s) {
    const __m512i in_a = _mm512_load_si512(s->in_a);
    const __mmask64 from_a = ~_mm512_movepi8_mask(in_a);
    __m512i bytes = _mm512_or_si512(_mm512_load_si512(s->painted),
                                    _mm512_maskz_permutexvar_epi8(from_a, in_a, _mm512_loadu_si512(from + s->a)));
    if (s->both) {
      const __m512i in_b = _mm512_load_si512(s->in_b);
      const __mmask64 from_b = ~_mm512_movepi8_mask(in_b);
      bytes = _mm512_or_si512(bytes, _mm512_maskz_permutexvar_epi8(from_b, in_b, _mm512_loadu_si512(from + s->b)));
    }
    _mm512_storeu_si512(to + s->to, bytes);
  }
}

inline void shuffle_row(const Shuffles& shuffles, const std::uint8_t* from, std::uint8_t* to) {
  if (shuffles.wide_count > 0) shuffle_wide(shuffles.wide, shuffles.wide_count, from, to);
  for (const Shuffle* s = shuffles.narrow; s < shuffles.narrow + shuffles.narrow_count; ++s) {
    __m128i bytes = _mm_or_si128(load_128(s->painted), _mm_shuffle_epi8(load_128(from + s->a), load_128(s->in_a)));
    if (s->both) bytes = _mm_or_si128(bytes, _mm_shuffle_epi8(load_128(from + s->b), load_128(s->in_b)));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to + s->to), bytes);
  }
}

#else

struct Shuffles {
  bool any() const { return false; }
};

inline Shuffles shuffles_of(const std::int64_t*, std::int64_t, std::int64_t, std::int64_t, const std::uint8_t*, std::int64_t,
                            Scratch&) {
  return {};
}

inline void shuffle_row(const Shuffles&, const std::uint8_t*, std::uint8_t*) {}

#endif

}  // namespace covary::COVARY_ENGINE
