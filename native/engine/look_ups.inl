// Values that are changed each by itself, found in tables of all 256 or 65,536 levels.
namespace covary::COVARY_ENGINE {

// Bytes in one table.
inline void look_up(const std::uint8_t* COVARY_RESTRICT table, std::int64_t n, const std::uint8_t* COVARY_RESTRICT from,
                    bool streamed, std::uint8_t* COVARY_RESTRICT to) {
  std::int64_t i = 0;
  (void)streamed;
#if defined(COVARY_ENGINE_AVX2)
  if (has_vbmi()) i = look_up_blocks(table, 0, n, from, streamed, to);
  // Sixteen byte shuffles: the one whose number is the byte's high half finds the entry, all others give zero.
  __m256i parts[16];
  for (int k = 0; k < 16; ++k) parts[k] = _mm256_broadcastsi128_si256(load_128(table + 16 * k));
  const __m256i outside = _mm256_set1_epi8(0x70);
  for (; i + 32 <= n; i += 32) {
    const __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from + i));
    __m256i found = _mm256_setzero_si256();
    for (int k = 0; k < 16; ++k) {
      const __m256i part = _mm256_adds_epu8(_mm256_xor_si256(bytes, _mm256_set1_epi8(static_cast<char>(16 * k))), outside);
      found = _mm256_or_si256(found, _mm256_shuffle_epi8(parts[k], part));
    }
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + i), found);
  }
#endif
  for (; i < n; ++i) to[i] = table[from[i]];
}

#if defined(COVARY_ENGINE_AVX2)

// Words whose upper byte alone counts, 32 at a time: `table` has the two bytes of what stands for each. Returns how many.
COVARY_VBMI inline std::int64_t look_up_upper(const std::uint16_t* table, std::int64_t n, const std::uint16_t* from, bool streamed,
                                              std::uint16_t* to) {
  alignas(64) std::uint8_t lower_bytes[256], upper_bytes[256];
  for (int k = 0; k < 256; ++k) {
    lower_bytes[k] = static_cast<std::uint8_t>(table[256 * k]);
    upper_bytes[k] = static_cast<std::uint8_t>(table[256 * k] >> 8);
  }
  Bytes256 lower, upper;
  for (int k = 0; k < 4; ++k) {
    lower.part[k] = _mm512_load_si512(lower_bytes + 64 * k);
    upper.part[k] = _mm512_load_si512(upper_bytes + 64 * k);
  }
  constexpr __mmask64 odd = 0xAAAAAAAAAAAAAAAAU;
  const bool lines = streamed && at_line(to);
  std::int64_t i = 0;
  for (; i + 32 <= n; i += 32) {
    const __m512i words = _mm512_loadu_si512(from + i);
    const __m512i twice = _mm512_mask_blend_epi8(odd, _mm512_srli_epi16(words, 8), words);  // the upper byte in both places
    store_64(to + i, _mm512_mask_blend_epi8(odd, look_up64(lower, twice), look_up64(upper, twice)), lines);
  }
  return i;
}

#endif

// Whether a table has one value for every 256 levels, as that of a coarser picture.
inline bool by_upper_byte(const std::uint16_t* table) {
  for (int k = 0; k < 65536; k += 256) {
    unsigned differing = 0;
    for (int i = 0; i < 256; ++i) differing |= static_cast<unsigned>(table[k] ^ table[k + i]);
    if (differing != 0) return false;
  }
  return true;
}

// Values from byte `first` on; `step` is the number of levels where each channel has a table of its own, else 0.
template <class T>
void look_up_each(const T* tables, std::int64_t step, std::int64_t first, const Picture& in, const Picture& out, Scratch& scratch) {
  const std::int64_t channels = in.channels, block = whole_pixels(1024, in.pixel_size());
  write_in_blocks(out, first, block, scratch, [=](std::int64_t at, std::int64_t bytes, std::uint8_t* made) {
    const T* COVARY_RESTRICT from = reinterpret_cast<const T*>(in.data + at);
    T* COVARY_RESTRICT to = reinterpret_cast<T*>(made);
    const std::int64_t n = bytes / static_cast<std::int64_t>(sizeof(T));
    if (step == 0) {
#pragma GCC unroll 8
      for (std::int64_t i = 0; i < n; ++i) to[i] = tables[from[i]];
    } else if (channels == 3) {
      for (std::int64_t i = 0; i < n; i += 3) {
        to[i] = tables[from[i]];
        to[i + 1] = tables[step + from[i + 1]];
        to[i + 2] = tables[2 * step + from[i + 2]];
      }
    } else {
      for (std::int64_t i = 0; i < n; i += channels)
        for (std::int64_t c = 0; c < channels; ++c) to[i + c] = tables[c * step + from[i + c]];
    }
  });
}

inline void look_up_all(const std::uint8_t* tables, std::int64_t step, const Picture& in, const Picture& out, Scratch& scratch) {
  if (step == 0) return look_up(tables, in.bytes(), in.data, out.streamed, out.data);
  std::int64_t done = 0;
#if defined(COVARY_ENGINE_AVX2)
  if (has_vbmi() && in.channels == 3) done = look_up_blocks(tables, step, in.bytes(), in.data, out.streamed, out.data);
#endif
  look_up_each(tables, step, done, in, out, scratch);
}

inline void look_up_all(const std::uint16_t* tables, std::int64_t step, const Picture& in, const Picture& out, Scratch& scratch) {
  std::int64_t done = 0;
#if defined(COVARY_ENGINE_AVX2)
  if (has_vbmi() && step == 0 && by_upper_byte(tables))
    done = look_up_upper(tables, in.bytes() / 2, reinterpret_cast<const std::uint16_t*>(in.data), out.streamed,
                         reinterpret_cast<std::uint16_t*>(out.data));
#endif
  look_up_each(tables, step, 2 * done, in, out, scratch);
}

// Whether each value is changed by itself, whatever its place and the other channels.
inline bool value_by_value(const Steps& steps) {
  if (steps.count == 0) return false;
  for (std::int64_t k = 0; k < steps.count; ++k) {
    const Step& step = steps.steps[k];
    if (step.kind == Value::Kind::curve) continue;
    if (step.kind != Value::Kind::colour || step.pivot != nullptr) return false;
    for (std::int64_t i = 0; i < steps.channels; ++i)
      for (std::int64_t j = 0; j < steps.channels; ++j)
        if (i != j && step.exact[i * (steps.channels + 1) + j] != 0.0) return false;
  }
  return true;
}

// The steps for one channel; none where they do not treat all channels alike.
inline Steps for_one_channel(const Steps& steps, Scratch& scratch) {
  const std::int64_t channels = steps.channels, columns = channels + 1;
  Steps one = steps;
  one.channels = 1;
  one.steps = static_cast<Step*>(scratch.piece(sizeof(Step) * static_cast<std::size_t>(steps.count)));
  for (std::int64_t k = 0; k < steps.count; ++k) {
    Step step = steps.steps[k];
    if (step.kind == Value::Kind::curve) {
      if (step.value->table_channels != 1) return {};
    } else {
      const double gain = step.exact[0], offset = step.exact[channels];
      for (std::int64_t c = 1; c < channels; ++c)
        if (step.exact[c * columns + c] != gain || step.exact[c * columns + channels] != offset) return {};
      auto* exact = static_cast<double*>(scratch.piece(2 * sizeof(double)));
      exact[0] = gain;
      exact[1] = offset;
      step.exact = exact;
    }
    one.steps[k] = step;
  }
  return one;
}

// Whether a curve, with a table for each of these channels, is all there is.
inline bool is_one_curve(const Steps& steps) {
  return steps.count == 1 && steps.steps[0].kind == Value::Kind::curve && steps.steps[0].value->table_channels == steps.channels;
}

// The steps whose tables serve a picture: for one channel where all are alike. None where the tables would take longer than
// the picture's values do.
inline Steps asked_of_tables(const Steps& steps, const Picture& in, Scratch& scratch) {
  if (in.element == Element::f32 || !value_by_value(steps)) return {};
  const Steps one = for_one_channel(steps, scratch);
  const Steps& asked = one.count > 0 ? one : steps;
  const std::int64_t levels = (in.element == Element::u8 ? 256 : 65536) * asked.channels;
  const std::int64_t values = in.height * in.width * in.channels;
  return values >= (is_one_curve(asked) ? levels / 8 : 2 * levels) ? asked : Steps{};
}

// What becomes of every level, the channels' tables one behind the other.
template <class T>
const T* tables_of(Steps steps, Scratch& scratch) {
  constexpr std::int64_t levels = std::int64_t{1} << (8 * sizeof(T)), run = 256;
  auto* tables = static_cast<T*>(scratch.piece(sizeof(T) * static_cast<std::size_t>(levels * steps.channels)));
  if (is_one_curve(steps)) {
    narrow_run(steps.steps[0].table, levels * steps.channels, tables);
    return tables;
  }
  merge_colours(steps, scratch);
  steps.width = run;
  const Planes row{static_cast<float*>(scratch.piece(sizeof(float) * static_cast<std::size_t>(run * steps.channels))), run};
  for (std::int64_t first = 0; first < levels; first += run) {
    for (std::int64_t c = 0; c < steps.channels; ++c)
      for (std::int64_t i = 0; i < run; ++i) row[c][i] = static_cast<float>(first + i);
    change_row(steps, 0, row, nullptr);
    for (std::int64_t c = 0; c < steps.channels; ++c) narrow_run(row[c], run, tables + c * levels + first);
  }
  return tables;
}

inline bool tabulated(const Picture& in, const Steps& steps, const Picture& out, Scratch& scratch) {
  if (out.element != in.element || out.planar) return false;
  const Steps asked = asked_of_tables(steps, in, scratch);
  if (asked.count == 0) return false;
  const bool apart = asked.channels > 1;
  if (in.element == Element::u8) {
    look_up_all(tables_of<std::uint8_t>(asked, scratch), apart ? 256 : 0, in, out, scratch);
  } else {
    look_up_all(tables_of<std::uint16_t>(asked, scratch), apart ? 65536 : 0, in, out, scratch);
  }
  return true;
}

// Mixtures of channels and then tables: the mixed picture waits in the cache, as each is much faster alone than in planes.
inline bool mixed_and_tabulated(const Picture& in, const Steps& steps, const Picture& out, Scratch& scratch) {
  if (out.element != in.element || out.planar) return false;
  std::int64_t colours = 0;
  while (colours < steps.count && steps.steps[colours].kind == Value::Kind::colour) ++colours;
  if (colours == 0) return false;
  Steps first = steps, rest = steps;
  first.count = colours;
  rest.steps += colours;
  rest.count -= colours;
  if (asked_of_tables(rest, in, scratch).count == 0) return false;
  Picture between = in;
  between.streamed = false;
  between.data = static_cast<std::uint8_t*>(scratch.get(Scratch::relayout, static_cast<std::size_t>(in.bytes())));
  return mixed(in, first, between, scratch) && tabulated(between, rest, out, scratch);
}

}  // namespace covary::COVARY_ENGINE
