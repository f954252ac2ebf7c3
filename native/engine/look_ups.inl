// Bytes that are changed each by itself, found in tables of 256.
namespace covary::COVARY_ENGINE {

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

// One gain and one offset for all channels, and nothing else.
inline bool level_table(Steps& steps, Scratch& scratch, std::uint8_t table[256]) {
  const Step* step = only_colour(steps, scratch);
  if (step == nullptr || step->shape != Step::Shape::diagonal) return false;
  const std::int64_t channels = steps.channels, columns = channels + 1;
  const float gain = step->matrix[0], offset = step->matrix[channels];
  for (std::int64_t c = 1; c < channels; ++c)
    if (step->matrix[c * columns + c] != gain || step->matrix[c * columns + channels] != offset) return false;
  for (int v = 0; v < 256; ++v) table[v] = narrow<std::uint8_t>(gain * static_cast<float>(v) + offset);
  return true;
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

// The tables of all channels, one behind the other, found by rendering all 256 values.
inline const std::uint8_t* tables_of(const Steps& steps, Scratch& scratch) {
  const std::int64_t channels = steps.channels;
  const auto bytes = static_cast<std::size_t>(256 * channels);
  auto* ramp = static_cast<std::uint8_t*>(scratch.piece(bytes));
  auto* found = static_cast<std::uint8_t*>(scratch.piece(bytes));
  auto* tables = static_cast<std::uint8_t*>(scratch.piece(bytes));
  for (std::int64_t i = 0; i < 256 * channels; ++i) ramp[i] = static_cast<std::uint8_t>(i / channels);
  const Picture levels{ramp, 1, 256, channels, Element::u8, false};
  const Picture looked_up{found, 1, 256, channels, Element::u8, false};
  Steps narrow_steps = steps;
  narrow_steps.height = 1;
  narrow_steps.width = 256;
  Standing<std::uint8_t> fetcher(levels);
  render_rows(fetcher, narrow_steps, looked_up, scratch);
  for (std::int64_t c = 0; c < channels; ++c)
    for (std::int64_t v = 0; v < 256; ++v) tables[256 * c + v] = found[v * channels + c];
  return tables;
}

// A table for each channel.
inline void look_up_apart(const std::uint8_t* tables, const Picture& in, const Picture& out) {
  const std::int64_t channels = in.channels, pixels = in.height * in.width;
  const std::uint8_t* COVARY_RESTRICT from = in.data;
  std::uint8_t* COVARY_RESTRICT to = out.data;
  std::int64_t i = 0;
  if (channels != 3) {
    for (; i < pixels; ++i)
      for (std::int64_t c = 0; c < channels; ++c) to[i * channels + c] = tables[256 * c + from[i * channels + c]];
    return;
  }
#if defined(COVARY_ENGINE_AVX2)
  if (has_vbmi()) i = look_up_blocks(tables, 256, 3 * pixels, from, out.streamed, to) / 3;
#endif
  for (; i < pixels; ++i) {
    to[3 * i] = tables[from[3 * i]];
    to[3 * i + 1] = tables[256 + from[3 * i + 1]];
    to[3 * i + 2] = tables[512 + from[3 * i + 2]];
  }
}

inline bool tabulated(const Picture& in, Steps& steps, const Picture& out, Scratch& scratch) {
  if (in.element != Element::u8 || out.element != Element::u8 || out.planar || !value_by_value(steps)) return false;
  if (in.height * in.width < 1024) return false;
  alignas(64) std::uint8_t levels_of_all[256];
  if (level_table(steps, scratch, levels_of_all)) {
    look_up(levels_of_all, in.bytes(), in.data, out.streamed, out.data);
    return true;
  }
  const std::uint8_t* tables = tables_of(steps, scratch);
  bool alike = true;
  for (std::int64_t c = 1; c < in.channels; ++c) alike = alike && std::memcmp(tables, tables + 256 * c, 256) == 0;
  if (alike) {
    look_up(tables, in.bytes(), in.data, out.streamed, out.data);
  } else {
    look_up_apart(tables, in, out);
  }
  return true;
}

// Mixtures of channels and then tables: the mixed picture waits in the cache, as each is much faster alone than in planes.
inline bool mixed_and_tabulated(const Picture& in, const Steps& steps, const Picture& out, Scratch& scratch) {
  if (in.element != Element::u8 || out.element != Element::u8 || out.planar || in.height * in.width < 1024) return false;
  std::int64_t colours = 0;
  while (colours < steps.count && steps.steps[colours].kind == Value::Kind::colour) ++colours;
  for (std::int64_t k = colours; k < steps.count; ++k)
    if (steps.steps[k].kind != Value::Kind::curve) return false;
  if (colours == 0 || colours == steps.count) return false;
  Picture between = in;
  between.streamed = false;
  between.data = static_cast<std::uint8_t*>(scratch.get(Scratch::relayout, static_cast<std::size_t>(in.bytes())));
  Steps first = steps, rest = steps;
  first.count = colours;
  rest.steps += colours;
  rest.count -= colours;
  return mixed(in, first, between, scratch) && tabulated(between, rest, out, scratch);
}

}  // namespace covary::COVARY_ENGINE
