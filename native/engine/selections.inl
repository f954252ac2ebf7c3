// Channels that are copies of others or of one value: the values of a pixel change places, and none is computed.
namespace covary::COVARY_ENGINE {

// All changes of colour as one matrix, where there are no others.
inline const Step* only_colour(Steps& steps, Scratch& scratch) {
  if (steps.count == 0) return nullptr;
  for (std::int64_t k = 0; k < steps.count; ++k)
    if (steps.steps[k].kind != Value::Kind::colour || steps.steps[k].pivot != nullptr) return nullptr;
  merge_colours(steps, scratch);
  return steps.steps;
}

// Where each byte of a pixel comes from; `none` where it is a constant.
struct Selection {
  static constexpr std::int32_t none = -1;
  std::int64_t size = 0;  // bytes of a pixel
  std::int64_t value = 0;  // bytes of a value
  std::int32_t* places = nullptr;
  std::uint8_t* constants = nullptr;  // 0 where a byte comes from another
  bool moved = false;  // whether any comes from another place than its own
};

// False where a channel is neither a copy nor a constant.
inline bool selection_of(const Picture& in, const float* matrix, Scratch& scratch, Selection& s) {
  const std::int64_t channels = in.channels;
  s.size = in.pixel_size();
  s.value = element_size(in.element);
  s.places = static_cast<std::int32_t*>(scratch.piece(sizeof(std::int32_t) * static_cast<std::size_t>(s.size)));
  s.constants = static_cast<std::uint8_t*>(scratch.piece(static_cast<std::size_t>(s.size)));
  const float* m = matrix;
  for (std::int64_t c = 0; c < channels; ++c, m += channels + 1) {
    std::int64_t from = -1;
    for (std::int64_t k = 0; k < channels; ++k) {
      if (m[k] == 0.0F) continue;
      if (m[k] != 1.0F || from >= 0) return false;
      from = k;
    }
    if (from >= 0 && m[channels] != 0.0F) return false;
    s.moved = s.moved || (from >= 0 && from != c);
    const std::uint32_t constant = in.element == Element::u8 ? narrow<std::uint8_t>(m[channels]) : narrow<std::uint16_t>(m[channels]);
    for (std::int64_t byte = 0; byte < s.value; ++byte) {
      const std::int64_t at = c * s.value + byte;
      s.places[at] = from < 0 ? Selection::none : static_cast<std::int32_t>(from * s.value + byte);
      s.constants[at] = from < 0 ? static_cast<std::uint8_t>(constant >> (8 * byte)) : std::uint8_t{0};
    }
  }
  return true;
}

#if defined(COVARY_ENGINE_AVX2)

// A selection for as many pixels as 64 bytes hold, as shuffles have it: 0x80 where a byte is a constant.
struct PackedSelection {
  alignas(64) std::uint8_t places[64] = {};
  alignas(64) std::uint8_t constants[64] = {};

  explicit PackedSelection(const Selection& s) {
    for (std::int64_t i = 0; i < 64 / s.size * s.size; ++i) {
      const std::int32_t place = s.places[i % s.size];
      places[i] = place == Selection::none ? std::uint8_t{0x80} : static_cast<std::uint8_t>(i / s.size * s.size + place);
      constants[i] = s.constants[i % s.size];
    }
  }
};

// Both return how many of the bytes were done; what a store writes beyond its pixels is mended by the next.
COVARY_VBMI inline std::int64_t select_64(const PackedSelection& s, std::int64_t size, const std::uint8_t* from, std::int64_t bytes,
                                          std::uint8_t* to) {
  const __m512i order = _mm512_load_si512(s.places), other = _mm512_load_si512(s.constants);
  const __mmask64 kept = ~_mm512_movepi8_mask(order);
  const std::int64_t step = 64 / size * size;
  std::int64_t i = 0;
  for (; i + 64 <= bytes; i += step)
    _mm512_storeu_si512(to + i, _mm512_mask_permutexvar_epi8(other, kept, order, _mm512_loadu_si512(from + i)));
  return i;
}

inline std::int64_t select_16(const PackedSelection& s, std::int64_t size, const std::uint8_t* from, std::int64_t bytes,
                              std::uint8_t* to) {
  const __m128i order = load_128(s.places), other = load_128(s.constants);
  const std::int64_t step = 16 / size * size;
  std::int64_t i = 0;
  for (; i + 16 <= bytes; i += step)
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to + i), _mm_or_si128(_mm_shuffle_epi8(load_128(from + i), order), other));
  return i;
}

// Some pixels at a time.
inline void select_packed(const Selection& s, const Picture& in, const Picture& out, Scratch& scratch) {
  const PackedSelection packed(s);
  const std::int64_t size = s.size, block = whole_pixels(out.streamed ? 512 : 65536, size);
  write_in_blocks(out, 0, block, scratch, [&](std::int64_t at, std::int64_t count, std::uint8_t* to) {
    const std::uint8_t* from = in.data + at;
    std::int64_t i = has_vbmi() ? select_64(packed, size, from, count, to) : 0;
    if (size <= 16) i += select_16(packed, size, from + i, count - i, to + i);
    for (; i < count; i += size)
      for (std::int64_t byte = 0; byte < size; ++byte)
        to[i + byte] = packed.places[byte] == 0x80 ? packed.constants[byte] : from[i + packed.places[byte]];
  });
}

#endif

// No value leaves its place: what stays and what is put there, for some pixels in a row.
inline void keep_or_put(const Selection& s, const Picture& in, const Picture& out, Scratch& scratch) {
  const std::int64_t block = whole_pixels(1024, s.size);
  auto* keep = static_cast<std::uint8_t*>(scratch.piece(static_cast<std::size_t>(2 * block)));
  std::uint8_t* put = keep + block;
  for (std::int64_t i = 0; i < block; ++i) {
    keep[i] = s.places[i % s.size] == Selection::none ? std::uint8_t{0} : std::uint8_t{0xFF};
    put[i] = s.constants[i % s.size];
  }
  write_in_blocks(out, 0, block, scratch, [&](std::int64_t at, std::int64_t count, std::uint8_t* COVARY_RESTRICT to) {
    const std::uint8_t *COVARY_RESTRICT from = in.data + at, *COVARY_RESTRICT kept = keep, *COVARY_RESTRICT other = put;
    for (std::int64_t i = 0; i < count; ++i) to[i] = static_cast<std::uint8_t>((from[i] & kept[i]) | other[i]);
  });
}

// One value after the other: a pixel is laid beside the constants, so that all values are found in one way.
template <class T>
void select_values(const Selection& s, const Picture& in, const Picture& out, Scratch& scratch) {
  const std::int64_t channels = in.channels;
  auto* found = static_cast<T*>(scratch.piece(static_cast<std::size_t>(2 * s.size)));
  auto* index = static_cast<std::int32_t*>(scratch.piece(sizeof(std::int32_t) * static_cast<std::size_t>(channels)));
  std::memcpy(found + channels, s.constants, static_cast<std::size_t>(s.size));
  for (std::int64_t c = 0; c < channels; ++c) {
    const std::int32_t place = s.places[c * s.value];
    index[c] = static_cast<std::int32_t>(place == Selection::none ? channels + c : place / s.value);
  }
  const std::int64_t size = s.size;
  write_in_blocks(out, 0, whole_pixels(4096, size), scratch, [=](std::int64_t at, std::int64_t count, std::uint8_t* to) {
    auto* value = reinterpret_cast<T*>(to);
    for (std::int64_t i = 0; i < count; i += size, value += channels) {
      std::memcpy(found, in.data + at + i, static_cast<std::size_t>(size));
      for (std::int64_t c = 0; c < channels; ++c) value[c] = found[index[c]];
    }
  });
}

inline bool selected(const Picture& in, Steps& steps, const Picture& out, Scratch& scratch) {
  if (in.element == Element::f32 || out.element != in.element || out.planar) return false;
  const Step* only = only_colour(steps, scratch);
  Selection selection;
  if (only == nullptr || !selection_of(in, only->matrix, scratch, selection)) return false;
#if defined(COVARY_ENGINE_AVX2)
  if (selection.size <= (selection.moved && has_vbmi() ? 64 : 16)) {
    select_packed(selection, in, out, scratch);
    return true;
  }
#endif
  if (!selection.moved) {
    keep_or_put(selection, in, out, scratch);
  } else if (in.element == Element::u8) {
    select_values<std::uint8_t>(selection, in, out, scratch);
  } else {
    select_values<std::uint16_t>(selection, in, out, scratch);
  }
  return true;
}

}  // namespace covary::COVARY_ENGINE
