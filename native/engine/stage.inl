// One sample through one stage, and through all of them.
namespace covary::COVARY_ENGINE {

// The mean luma (Rec. 601 for three channels) of what a fetcher gives after the first `count` steps.
inline double mean_luma(Fetcher& fetcher, Steps steps, std::int64_t count, Planes row, float* coverage) {
  steps.count = count;
  double mean = 0.0;
  const double pixels = static_cast<double>(steps.height) * static_cast<double>(steps.width);
  auto weight = [&](std::int64_t c) {
    constexpr double luma[3] = {0.299, 0.587, 0.114};
    return steps.channels == 3 ? luma[c] : 1.0 / static_cast<double>(steps.channels);
  };
  for (std::int64_t y = 0; y < steps.height; ++y) {
    const bool partly = fetcher.fetch(y, row, coverage);
    change_row(steps, y, row, partly ? coverage : nullptr);
    for (std::int64_t c = 0; c < steps.channels; ++c) {
      const float* v = row[c];
      double sums[lanes] = {};
      std::int64_t x = 0;
      for (; x + lanes <= steps.width; x += lanes)
        for (int k = 0; k < lanes; ++k) sums[k] += static_cast<double>(v[x + k]);
      for (; x < steps.width; ++x) sums[0] += static_cast<double>(v[x]);
      double sum = 0.0;
      for (const double part : sums) sum += part;
      mean += weight(c) * sum;
    }
  }
  return pixels > 0 ? mean / pixels : 0.0;
}

struct Working {
  Planes row;
  float* coverage = nullptr;
  std::uint8_t* staging = nullptr;  // a finished row of pixels on its way past the caches
};

inline Working working_of(Steps& steps, Scratch& scratch) {
  // Planes must not lie a multiple of 4 KB apart: their stores would be taken for each other's.
  const std::int64_t stride = (steps.width + 1023) / 1024 * 1024 + 2 * lanes;
  const auto n = static_cast<std::size_t>(stride);
  const auto channels = static_cast<std::size_t>(steps.channels);
  Working working;
  working.row = {static_cast<float*>(scratch.get(Scratch::row, sizeof(float) * n * channels)), stride};
  steps.temporary =
      static_cast<float*>(scratch.get(Scratch::temporary, sizeof(float) * std::max(n, channels * std::size_t{chunk})));
  working.staging = static_cast<std::uint8_t*>(scratch.piece(sizeof(float) * n * channels));
  if (steps.needs_coverage()) working.coverage = static_cast<float*>(scratch.get(Scratch::coverage, sizeof(float) * n));
  return working;
}

// The last step is a colour change, as a normalisation is: it is done on the way to the output.
inline void render_coloured_rows(Fetcher& fetcher, Steps steps, const Picture& out, Planes row, float* coverage,
                                 Scratch& scratch) {
  // Where no fill shows, colour changes before and after it are one.
  Steps inside = steps;
  inside.steps = static_cast<Step*>(scratch.piece(sizeof(Step) * static_cast<std::size_t>(steps.count)));
  inside.count = 0;
  for (std::int64_t k = 0; k < steps.count; ++k)
    if (steps.steps[k].kind != Value::Kind::fill) inside.steps[inside.count++] = steps.steps[k];
  merge_colours(inside, scratch);
  const Step& last = steps.steps[--steps.count];
  const Step& last_inside = inside.steps[--inside.count];
  auto* data = reinterpret_cast<float*>(out.data);
  const std::int64_t columns = steps.channels + 1;
  for (std::int64_t y = 0; y < steps.height; ++y) {
    const bool partly = fetcher.fetch(y, row, coverage);
    change_row(partly ? steps : inside, y, row, partly ? coverage : nullptr);
    const Step& finish = partly ? last : last_inside;
    for (std::int64_t c = 0; c < steps.channels; ++c) {
      float* target = data + (c * out.height + y) * out.width;
      const float* m = finish.matrix + c * columns;
      if (finish.shape == Step::Shape::diagonal) {
        store_plane(row[c], out.width, m[c], m[steps.channels], out.streamed, target);
      } else {
        store_mixture(row, out.width, m, out.streamed, target);
      }
    }
  }
}

// The colour of a fill where a row's pixels do not lie wholly inside, as fill_row has it.
inline void fill_pixels(const Step& step, std::int64_t channels, std::int64_t n, const float* coverage, float* values) {
  for (std::int64_t x = 0; x < n; ++x, values += channels) {
    const float seen = coverage[x];
    if (!(seen < 1.0F)) continue;
    for (std::int64_t c = 0; c < channels; ++c) {
      const float painted = values[c] * seen + step.colour[c] * (1.0F - seen);
      values[c] = seen > 0.0F ? painted : step.colour[c];
    }
  }
}

// Rows pixel by pixel: nothing is done to their values but a fill.
inline bool rendered_by_pixel(Fetcher& fetcher, const Steps& steps, const Picture& out, Scratch& scratch) {
  if (out.planar || !fetcher.by_pixel()) return false;
  if (steps.count > 1 || (steps.count == 1 && steps.steps[0].kind != Value::Kind::fill)) return false;
  const std::int64_t n = out.width * out.channels;
  auto* values = static_cast<float*>(scratch.piece(sizeof(float) * static_cast<std::size_t>(n + lanes)));
  auto* staging = static_cast<std::uint8_t*>(scratch.piece(static_cast<std::size_t>(out.row_size())));
  float* coverage = steps.count == 0 ? nullptr : static_cast<float*>(scratch.piece(sizeof(float) * static_cast<std::size_t>(out.width)));
  Writer writer(out);
  for (std::int64_t y = 0; y < out.height; ++y) {
    if (fetcher.fetch_pixels(y, values, coverage)) fill_pixels(steps.steps[0], out.channels, out.width, coverage, values);
    std::uint8_t* const row = out.streamed ? staging : writer.at();
    with_element(out.element, [&](auto zero) { narrow_run(values, n, reinterpret_cast<decltype(zero)*>(row)); });
    if (out.streamed) {
      writer.write(staging, out.row_size());
    } else {
      writer.skip(out.row_size());
    }
  }
  return true;
}

inline void render_rows(Fetcher& fetcher, Steps& steps, const Picture& out, Scratch& scratch) {
  if (rendered_by_pixel(fetcher, steps, out, scratch)) return;
  const Working working = working_of(steps, scratch);
  for (std::int64_t k = 0; k < steps.count; ++k) {
    Step& step = steps.steps[k];
    if (step.kind != Value::Kind::colour || step.pivot == nullptr) continue;
    Steps before = steps;
    before.steps = static_cast<Step*>(scratch.piece(sizeof(Step) * static_cast<std::size_t>(k + 1)));
    std::memcpy(static_cast<void*>(before.steps), steps.steps, sizeof(Step) * static_cast<std::size_t>(k));
    before.count = k;
    merge_colours(before, scratch);
    settle_pivot(step, steps.channels, mean_luma(fetcher, before, before.count, working.row, working.coverage), scratch);
  }
  merge_colours(steps, scratch);
  const bool plain = steps.count == 0 && out.element == steps.element && !out.planar;
  if (out.element == Element::f32 && out.planar && steps.count > 0) {
    const Step& last = steps.steps[steps.count - 1];
    if (last.kind == Value::Kind::colour && (last.shape == Step::Shape::diagonal || steps.channels == 3)) {
      render_coloured_rows(fetcher, steps, out, working.row, working.coverage, scratch);
      return;
    }
  }
  Writer writer(out);
  for (std::int64_t y = 0; y < steps.height; ++y) {
    const Planes row = working.row;
    if (plain && fetcher.fetch_bytes(y, out.streamed ? working.staging : writer.at())) {
      if (out.streamed) {
        writer.write(working.staging, out.row_size());
      } else {
        writer.skip(out.row_size());
      }
      continue;
    }
    const bool partly = fetcher.fetch(y, row, working.coverage);
    change_row(steps, y, row, partly ? working.coverage : nullptr);
    with_element(out.element, [&](auto zero) {
      if (out.planar) {
        store_row<decltype(zero)>(row, y, out);
      } else {
        write_row<decltype(zero)>(row, out, working.staging, writer);
      }
    });
  }
}

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

// Steps that change each byte by itself become one table of 256 bytes per channel, found by rendering all 256 values.
inline bool tabulated(const Picture& in, Steps& steps, const Picture& out, Scratch& scratch) {
  if (in.element != Element::u8 || out.element != Element::u8 || out.planar || steps.count == 0) return false;
  if (in.height * in.width < 1024) return false;
  for (std::int64_t k = 0; k < steps.count; ++k) {
    const Step& step = steps.steps[k];
    if (step.kind == Value::Kind::curve) continue;
    if (step.kind != Value::Kind::colour || step.pivot != nullptr) return false;
    for (std::int64_t i = 0; i < steps.channels; ++i)
      for (std::int64_t j = 0; j < steps.channels; ++j)
        if (i != j && step.exact[i * (steps.channels + 1) + j] != 0.0) return false;
  }
  const std::int64_t channels = in.channels;
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
  bool alike = true;
  for (std::int64_t c = 0; c < channels; ++c)
    for (std::int64_t v = 0; v < 256; ++v) {
      tables[256 * c + v] = found[v * channels + c];
      alike = alike && found[v * channels + c] == found[v * channels];
    }
  const std::int64_t pixels = in.height * in.width;
  const std::uint8_t* COVARY_RESTRICT from = in.data;
  std::uint8_t* COVARY_RESTRICT to = out.data;
  if (alike) {
    look_up(tables, pixels * channels, from, out.streamed, to);
  } else if (channels == 3) {
    std::int64_t done = 0;
#if defined(COVARY_ENGINE_AVX2)
    if (has_vbmi()) done = look_up_blocks(tables, 256, 3 * pixels, from, out.streamed, to) / 3;
#endif
    for (std::int64_t i = done; i < pixels; ++i) {
      to[3 * i] = tables[from[3 * i]];
      to[3 * i + 1] = tables[256 + from[3 * i + 1]];
      to[3 * i + 2] = tables[512 + from[3 * i + 2]];
    }
  } else {
    for (std::int64_t i = 0; i < pixels; ++i)
      for (std::int64_t c = 0; c < channels; ++c) to[i * channels + c] = tables[256 * c + from[i * channels + c]];
  }
  return true;
}

// All changes of colour as one matrix, where there are no others.
inline const Step* only_colour(Steps& steps, Scratch& scratch) {
  if (steps.count == 0) return nullptr;
  for (std::int64_t k = 0; k < steps.count; ++k)
    if (steps.steps[k].kind != Value::Kind::colour || steps.steps[k].pivot != nullptr) return nullptr;
  merge_colours(steps, scratch);
  return steps.steps;
}

// One mixture of three channels, from pixel `first` on: in blocks, from pixels to pixels in registers.
template <class T>
void mix_pixels(const float* m, const Picture& in, const Picture& out, std::int64_t first,
                std::int64_t (*mix_row)(const float*, const T*, std::int64_t, T*), Scratch& scratch) {
  constexpr std::int64_t block = 2048;
  const std::int64_t pixels = in.height * in.width;
  T* const staging = out.streamed ? static_cast<T*>(scratch.piece(3 * block * sizeof(T))) : nullptr;
  Picture left = out;
  left.data += 3 * first * static_cast<std::int64_t>(sizeof(T));
  Writer writer(left);
  for (std::int64_t x = first; x < pixels; x += block) {
    const std::int64_t count = std::min(block, pixels - x);
    const T* from = reinterpret_cast<const T*>(in.data) + 3 * x;
    T* to = staging != nullptr ? staging : reinterpret_cast<T*>(out.data) + 3 * x;
    for (std::int64_t i = 3 * mix_row(m, from, count, to); i < 3 * count; i += 3)
      for (int c = 0; c < 3; ++c)
        to[i + c] = narrow<T>(((m[4 * c] * static_cast<float>(from[i]) + m[4 * c + 1] * static_cast<float>(from[i + 1])) +
                               m[4 * c + 2] * static_cast<float>(from[i + 2])) +
                              m[4 * c + 3]);
    if (staging != nullptr)
      writer.write(reinterpret_cast<const std::uint8_t*>(staging), 3 * count * static_cast<std::int64_t>(sizeof(T)));
  }
}

inline bool mixed(const Picture& in, Steps& steps, const Picture& out, Scratch& scratch) {
#if defined(COVARY_ENGINE_AVX2)
  if (in.element == Element::f32 || out.element != in.element || out.planar || in.channels != 3) return false;
  const Step* step = only_colour(steps, scratch);
  if (step == nullptr || (in.element == Element::u16 && step->shape == Step::Shape::diagonal)) return false;
  const float* m = step->matrix;
  const bool grey = std::memcmp(m, m + 4, 4 * sizeof(float)) == 0 && std::memcmp(m, m + 8, 4 * sizeof(float)) == 0;
  if (in.element == Element::u16) {
    mix_pixels<std::uint16_t>(m, in, out, 0, grey ? mix_words3<true> : mix_words3<false>, scratch);
    return true;
  }
  const bool shifted = m[3] != 0.0F || m[7] != 0.0F || m[11] != 0.0F;
  std::int64_t done = 0;
  if (has_vbmi() && has_small_sums(m)) {
    const auto mix_blocks = grey ? (shifted ? mix_blocks3<true, true> : mix_blocks3<true, false>)
                                 : (shifted ? mix_blocks3<false, true> : mix_blocks3<false, false>);
    done = mix_blocks(m, in.data, in.height * in.width, out.streamed, out.data);
  }
  mix_pixels<std::uint8_t>(m, in, out, done, grey ? mix_row3<true> : mix_row3<false>, scratch);
  return true;
#else
  (void)in, (void)steps, (void)out, (void)scratch;
  return false;
#endif
}

// Channels that are copies of others, or of one value: bytes change places within their pixel.
inline bool selected(const Picture& in, Steps& steps, const Picture& out, Scratch& scratch) {
#if defined(COVARY_ENGINE_AVX2)
  const std::int64_t size = in.pixel_size();
  if (in.element == Element::f32 || out.element != in.element || out.planar || size > 16) return false;
  const Step* only = only_colour(steps, scratch);
  if (only == nullptr) return false;
  const std::int64_t value = element_size(in.element), channels = in.channels, count = 16 / size;
  const float* m = only->matrix;
  // Of as many pixels as 16 bytes hold: where each byte comes from, and what stands where none does.
  alignas(16) std::uint8_t places[16] = {}, constants[16] = {};
  for (std::int64_t c = 0; c < channels; ++c, m += channels + 1) {
    std::int64_t from = -1;
    for (std::int64_t k = 0; k < channels; ++k) {
      if (m[k] == 0.0F) continue;
      if (m[k] != 1.0F || from >= 0) return false;
      from = k;
    }
    if (from >= 0 && m[channels] != 0.0F) return false;
    const std::uint32_t constant = in.element == Element::u8 ? narrow<std::uint8_t>(m[channels]) : narrow<std::uint16_t>(m[channels]);
    for (std::int64_t pixel = 0; pixel < count; ++pixel)
      for (std::int64_t byte = 0; byte < value; ++byte) {
        const std::int64_t at = pixel * size + c * value + byte;
        places[at] = static_cast<std::uint8_t>(from < 0 ? 0x80 : pixel * size + from * value + byte);
        constants[at] = from < 0 ? static_cast<std::uint8_t>(constant >> (8 * byte)) : std::uint8_t{0};
      }
  }
  const __m128i order = load_128(places), other = load_128(constants);
  const std::int64_t run = in.row_size(), step = count * size;
  auto* staging = static_cast<std::uint8_t*>(scratch.piece(static_cast<std::size_t>(run)));
  Writer writer(out);
  for (std::int64_t y = 0; y < in.height; ++y) {
    const std::uint8_t* from = in.data + y * run;
    std::uint8_t* to = out.streamed ? staging : writer.at();
    std::int64_t i = 0;
    // What a store writes beyond its pixels is mended by the next.
    for (; i + 16 <= run; i += step)
      _mm_storeu_si128(reinterpret_cast<__m128i*>(to + i), _mm_or_si128(_mm_shuffle_epi8(load_128(from + i), order), other));
    for (; i < run; i += size)
      for (std::int64_t byte = 0; byte < size; ++byte)
        to[i + byte] = places[byte] == 0x80 ? constants[byte] : from[i + places[byte]];
    if (out.streamed) {
      writer.write(staging, run);
    } else {
      writer.skip(run);
    }
  }
  return true;
#else
  (void)in, (void)steps, (void)out, (void)scratch;
  return false;
#endif
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

// A gain and an offset for each channel, and nothing else: straight from value to value.
inline bool scaled_values(const Picture& in, Steps& steps, const Picture& out, Scratch& scratch) {
  if (in.element != Element::u16 || out.element != Element::u16 || out.planar || steps.count == 0) return false;
  for (std::int64_t k = 0; k < steps.count; ++k)
    if (steps.steps[k].kind != Value::Kind::colour || steps.steps[k].pivot != nullptr) return false;
  merge_colours(steps, scratch);
  if (steps.steps[0].shape != Step::Shape::diagonal) return false;
  const std::int64_t channels = in.channels, n = in.width * channels;
  const float* m = steps.steps[0].matrix;
  bool alike = true;
  for (std::int64_t c = 0; c < channels; ++c)
    alike = alike && m[c * (channels + 2)] == m[0] && m[c * (channels + 1) + channels] == m[channels];
  // Those of a row, value by value.
  auto* gains = static_cast<float*>(scratch.piece(sizeof(float) * static_cast<std::size_t>(n)));
  auto* offsets = static_cast<float*>(scratch.piece(sizeof(float) * static_cast<std::size_t>(n)));
  for (std::int64_t i = 0; i < n; ++i) {
    gains[i] = m[i % channels * (channels + 2)];
    offsets[i] = m[i % channels * (channels + 1) + channels];
  }
  auto* staging = static_cast<std::uint8_t*>(scratch.piece(static_cast<std::size_t>(out.row_size())));
  Writer writer(out);
  for (std::int64_t y = 0; y < in.height; ++y) {
    const auto* COVARY_RESTRICT from = reinterpret_cast<const std::uint16_t*>(in.data) + y * n;
    auto* COVARY_RESTRICT to = reinterpret_cast<std::uint16_t*>(out.streamed ? staging : writer.at());
    std::int64_t i = 0;
#if defined(COVARY_ENGINE_AVX2)
    __m256 gain = _mm256_set1_ps(m[0]), offset = _mm256_set1_ps(m[channels]);
    for (; i + lanes <= n; i += lanes) {
      if (!alike) {
        gain = _mm256_loadu_ps(gains + i);
        offset = _mm256_loadu_ps(offsets + i);
      }
      const __m256 values = _mm256_cvtepi32_ps(_mm256_cvtepu16_epi32(load_128(from + i)));
      _mm_storeu_si128(reinterpret_cast<__m128i*>(to + i), narrow8(_mm256_add_ps(_mm256_mul_ps(gain, values), offset)));
    }
#endif
    for (; i < n; ++i) to[i] = narrow<std::uint16_t>(gains[i] * static_cast<float>(from[i]) + offsets[i]);
    if (out.streamed) {
      writer.write(staging, out.row_size());
    } else {
      writer.skip(out.row_size());
    }
  }
  return true;
}

// The rectangles of one sample's erasure.
struct Rectangles {
  const std::int64_t* first;  // x0, y0, x1, y1 of each
  std::int64_t count;

  explicit Rectangles(const Step& step)
      : first(step.value->rectangles.data() + step.sample * step.value->rectangles_per_sample * 4),
        count(step.value->count[step.sample]) {}

  bool touch(std::int64_t y) const {
    for (std::int64_t r = 0; r < count; ++r)
      if (y >= first[4 * r + 1] && y < first[4 * r + 3]) return true;
    return false;
  }
};

// A row of pixels of one colour.
inline const std::uint8_t* painted_row(const double* colour, const Picture& out, const RawType& raw, Scratch& scratch) {
  const std::uint8_t* pixel = painted_pixel(colour, out, raw, scratch);
  auto* row = static_cast<std::uint8_t*>(scratch.piece(static_cast<std::size_t>(out.row_size())));
  with_pixel_size(out.pixel_size(), [&](auto size) { repeat_pixel(pixel, out.width, row, size); });
  return row;
}

// What of the rectangles lies in row y, from a row of their colour.
inline void paint_rectangles(const Rectangles& rectangles, const std::uint8_t* painted, const Picture& out, std::int64_t y,
                             std::uint8_t* row) {
  const std::int64_t* rectangle = rectangles.first;
  for (std::int64_t r = 0; r < rectangles.count; ++r, rectangle += 4) {
    if (y < rectangle[1] || y >= rectangle[3]) continue;
    const std::int64_t x0 = std::max<std::int64_t>(rectangle[0], 0), x1 = std::min(rectangle[2], out.width);
    if (x0 < x1) std::memcpy(row + x0 * out.pixel_size(), painted, static_cast<std::size_t>((x1 - x0) * out.pixel_size()));
  }
}

// Erasures alone: the picture is copied, and only the rows that a rectangle touches are made one by one.
inline bool erased(const Picture& in, Steps& steps, const Picture& out, const RawType& raw, Scratch& scratch) {
  if (out.element != in.element || out.planar || steps.count == 0) return false;
  bool constant = true;
  for (std::int64_t k = 0; k < steps.count; ++k) {
    if (steps.steps[k].kind != Value::Kind::erase) return false;
    constant = constant && !steps.steps[k].value->noise;
  }
  auto** colours = static_cast<const std::uint8_t**>(scratch.piece(sizeof(void*) * static_cast<std::size_t>(steps.count)));
  for (std::int64_t k = 0; constant && k < steps.count; ++k)
    colours[k] = painted_row(&steps.steps[k].value->colour[steps.steps[k].sample * out.channels], out, raw, scratch);
  const Working working = working_of(steps, scratch);
  const std::int64_t run = out.row_size();
  Writer writer(out);
  std::int64_t y = 0;
  const auto touched = [&] {
    for (std::int64_t k = 0; k < steps.count; ++k)
      if (Rectangles(steps.steps[k]).touch(y)) return true;
    return false;
  };
  with_element(in.element, [&](auto zero) {
    using T = decltype(zero);
    Standing<T> fetcher(in);
    while (y < out.height) {
      const std::int64_t first = y;
      while (y < out.height && !touched()) ++y;
      writer.write(in.data + first * run, (y - first) * run, 2 * run);
      if (y == out.height) return;
      if (constant) {
        std::uint8_t* const row = out.streamed ? working.staging : writer.at();
        copy_ahead(in.data + y * run, run, out.streamed ? 2 * run : 0, row);
        for (std::int64_t k = 0; k < steps.count; ++k) paint_rectangles(Rectangles(steps.steps[k]), colours[k], out, y, row);
        if (out.streamed) {
          writer.write(row, run);
        } else {
          writer.skip(run);
        }
      } else {
        fetcher.fetch(y, working.row, nullptr);
        change_row(steps, y, working.row, nullptr);
        write_row<T>(working.row, out, working.staging, writer);
      }
      ++y;
    }
  });
  return true;
}

// What of a level the output looks at, where that is plain to see: the map of the output's corners, with room for taps.
inline Region region_of(const Geometry& g, const Picture& level, const Picture& out, Border border) {
  Region all{0, level.width, 0, level.height};
  if (g.form == Form::general || g.form == Form::none) return all;
  double least[2] = {1e300, 1e300};
  double most[2] = {-1e300, -1e300};
  for (int corner = 0; corner < 4; ++corner) {
    const double x = (corner & 1) != 0 ? static_cast<double>(out.width) : 0.0;
    const double y = (corner & 2) != 0 ? static_cast<double>(out.height) : 0.0;
    for (int axis = 0; axis < 2; ++axis) {
      const double at = g.m[3 * axis] * x + g.m[3 * axis + 1] * y + g.m[3 * axis + 2];
      least[axis] = std::min(least[axis], at);
      most[axis] = std::max(most[axis], at);
    }
  }
  const bool clamped = border == Border::edge || border == Border::constant;
  const auto span = [&](int axis, std::int64_t n, std::int64_t& from, std::int64_t& to) {
    const double low = least[axis] - 4.0;
    const double high = most[axis] + 4.0;
    const auto end = static_cast<double>(n);
    if (!clamped && !(low >= 0.0 && high <= end)) return;
    from = static_cast<std::int64_t>(std::min(std::max(low, 0.0), end - 1.0));
    to = static_cast<std::int64_t>(std::ceil(std::max(std::min(high, end), static_cast<double>(from) + 1.0)));
  };
  span(0, level.width, all.x0, all.x1);
  span(1, level.height, all.y0, all.y1);
  return all;
}

template <class T>
void render_sampled(const Picture& in, const Geometry& g, const Stage& stage, Steps& steps, const Picture& out, Scratch& scratch) {
  switch (g.form) {
    case Form::none: {
      Standing<T> fetcher(in);
      render_rows(fetcher, steps, out, scratch);
      return;
    }
    case Form::exact: {
      Moved<T> fetcher(in, g, stage.border, out.height, out.width, scratch);
      render_rows(fetcher, steps, out, scratch);
      return;
    }
    default:
      break;
  }
  const bool small = in.width * in.channels < std::int64_t{1} << 30;
  if (g.form == Form::axes && stage.interpolation == Interpolation::linear && small) {
    Scaled<T> fetcher(in, g, stage.border, out.width, scratch);
    render_rows(fetcher, steps, out, scratch);
    return;
  }
  Sampled<T> fetcher(in, g, stage, out.width, scratch);
  render_rows(fetcher, steps, out, scratch);
}

// Linear sampling without changes of value, from pixels to pixels, where that is faster than by planes.
template <class T>
bool move_pixels(const Picture& in, const Geometry& g, const Stage& stage, const Steps& steps, const Picture& out, Scratch& scratch) {
  if (in.width * in.channels >= std::int64_t{1} << 30) return false;
  const Paint paint{steps.count == 0 ? nullptr : steps.steps[0].colour};
  if (g.form == Form::axes) return scale_pixels<T>(in, g, stage.border, paint, out, scratch);
  return sample_pixels<T>(in, g, stage, paint, out, scratch);
}

template <class T>
void render_filtered(const Picture& in, const Stage& stage, std::int64_t b, Steps& steps, const Picture& out, Scratch& scratch) {
  const bool stored = steps.count == 0 && out.element == in.element && !out.planar;
  if constexpr (std::is_same_v<T, std::uint8_t>) {
    if (stored && filtered_in_whole_numbers(in, stage.filter, b, out, scratch)) return;
  }
  Filtered<T> fetcher(in, stage.filter, b, scratch);
  if (stored) {
    for (std::int64_t y = 0; y < out.height; ++y)
      fetcher.store(y, reinterpret_cast<T*>(out.data) + y * fetcher.run);
    return;
  }
  render_rows(fetcher, steps, out, scratch);
}

inline void render_stage(const Program& program, const Stage& stage, std::int64_t b, Picture in, Picture out, Scratch& scratch) {
  scratch.rewind();
  if (out.height == 0 || out.width == 0) return;
  Steps steps = steps_of(stage, b, in.channels, in.element, program.gaussian_table, scratch);
  if (stage.filter.kind != Filter::Kind::none) {
    with_element(in.element, [&](auto zero) { render_filtered<decltype(zero)>(in, stage, b, steps, out, scratch); });
    return;
  }

  const std::int64_t times_x = stage.levels.empty() ? 0 : stage.levels[2 * b];
  const std::int64_t times_y = stage.levels.empty() ? 0 : stage.levels[2 * b + 1];
  Picture level = in;
  level.width = halved(in.width, times_x);
  level.height = halved(in.height, times_y);
  const Geometry g = geometry_of(stage, b, in.height, in.width, std::ldexp(1.0, -static_cast<int>(times_x)),
                                 std::ldexp(1.0, -static_cast<int>(times_y)), level.height, level.width, scratch);
  bool paint_only = out.element == in.element;
  const double* colour = nullptr;
  for (std::int64_t k = 0; k < steps.count; ++k) {
    const bool fill = steps.steps[k].kind == Value::Kind::fill;
    paint_only = paint_only && fill;
    if (fill) colour = &steps.steps[k].value->colour[b * in.channels];
  }
  const bool whole_pixels = g.form == Form::none || g.form == Form::exact || stage.interpolation == Interpolation::nearest;
  const bool copied = paint_only && whole_pixels;

  if (times_x > 0 || times_y > 0) {
    const bool finished = g.form == Form::none && copied && !out.planar;
    if (!finished) level.data = static_cast<std::uint8_t*>(scratch.get(Scratch::level, static_cast<std::size_t>(level.bytes())));
    Picture target = finished ? out : level;
    const Region region = region_of(g, level, out, stage.border);
    with_element(in.element, [&](auto zero) { halve<decltype(zero)>(in, times_x, times_y, region, target, scratch); });
    if (finished) return;
    in = level;
  }

  if (copied) {
    Picture target = out;
    target.planar = false;
    if (out.planar && out.channels > 1)
      target.data = static_cast<std::uint8_t*>(scratch.get(Scratch::relayout, static_cast<std::size_t>(out.bytes())));
    copy_picture(in, target, g, stage.border, colour, program.raw, scratch);
    if (target.data != out.data) plane_picture(target, out);
    return;
  }
  if (paint_only && steps.count <= 1 && !out.planar && stage.interpolation == Interpolation::linear) {
    bool done = false;
    with_element(in.element, [&](auto zero) { done = move_pixels<decltype(zero)>(in, g, stage, steps, out, scratch); });
    if (done) return;
  }
  if (g.form == Form::none && (selected(in, steps, out, scratch) || tabulated(in, steps, out, scratch) || mixed(in, steps, out, scratch) ||
                               mixed_and_tabulated(in, steps, out, scratch) || scaled_values(in, steps, out, scratch) ||
                               erased(in, steps, out, program.raw, scratch)))
    return;
  with_element(in.element, [&](auto zero) { render_sampled<decltype(zero)>(in, g, stage, steps, out, scratch); });
}

void render_sample(const Program& program, std::int64_t sample, Scratch& scratch) {
  Picture in = program.sources[static_cast<std::size_t>(sample)];
  const std::size_t n = program.stages.size();
  for (std::size_t k = 0; k < n; ++k) {
    const Stage& stage = program.stages[k];
    Picture out = program.outputs[static_cast<std::size_t>(sample)];
    if (k + 1 < n) {
      out = in;
      out.streamed = false;
      out.height = stage.size[static_cast<std::size_t>(2 * sample)];
      out.width = stage.size[static_cast<std::size_t>(2 * sample + 1)];
      out.data = static_cast<std::uint8_t*>(
          scratch.get(k % 2 == 0 ? Scratch::picture_a : Scratch::picture_b, static_cast<std::size_t>(out.bytes())));
    }
    render_stage(program, stage, sample, in, out, scratch);
    in = out;
  }
#if defined(COVARY_ENGINE_AVX2)
  if (in.streamed) _mm_sfence();
#endif
}

}  // namespace covary::COVARY_ENGINE
