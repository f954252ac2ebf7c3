// Pixels moved whole: exact geometry and nearest sampling without changes of value, for elements of any type.
namespace covary::COVARY_ENGINE {

template <std::size_t Size>
struct Fixed {
  static constexpr std::size_t size() { return Size; }
};

struct AnySize {
  std::size_t bytes;
  std::size_t size() const { return bytes; }
};

template <class Call>
inline void with_pixel_size(std::int64_t size, Call call) {
  switch (size) {
    case 1: return call(Fixed<1>{});
    case 2: return call(Fixed<2>{});
    case 3: return call(Fixed<3>{});
    case 4: return call(Fixed<4>{});
    case 6: return call(Fixed<6>{});
    case 8: return call(Fixed<8>{});
    case 12: return call(Fixed<12>{});
    case 16: return call(Fixed<16>{});
    default: return call(AnySize{static_cast<std::size_t>(size)});
  }
}

// IEEE half precision, rounded to nearest even.
inline std::uint16_t half_bits(double value) {
  const auto sign = static_cast<std::uint16_t>(std::signbit(value) ? 0x8000 : 0);
  const double size = std::fabs(value);
  if (std::isnan(value)) return 0x7e00;
  if (size >= 65520.0) return sign | 0x7c00;
  if (size < std::ldexp(1.0, -14)) return static_cast<std::uint16_t>(sign | static_cast<int>(std::nearbyint(std::ldexp(size, 24))));
  const int exponent = std::ilogb(size);
  const int fraction = static_cast<int>(std::nearbyint(std::ldexp(size, 10 - exponent)));  // 1024 .. 2048
  return static_cast<std::uint16_t>(sign | (((exponent + 14) << 10) + fraction));
}

// One pixel of the fill colour, in the picture's own type: rounded to nearest and clipped to its range.
inline const std::uint8_t* painted_pixel(const double* colour, const Picture& picture, const RawType& raw, Scratch& scratch) {
  auto* pixel = static_cast<std::uint8_t*>(scratch.piece(static_cast<std::size_t>(picture.pixel_size())));
  for (std::int64_t c = 0; c < picture.channels; ++c) {
    const double value = colour[c];
    const std::size_t size = static_cast<std::size_t>(element_size(picture.element));
    std::uint8_t* out = pixel + static_cast<std::size_t>(c) * size;
    if (raw.truth) {
      *out = value >= 0.5 || value <= -0.5 ? 1 : 0;
    } else if (raw.floating && size == 8) {
      std::memcpy(out, &value, size);
    } else if (raw.floating && size == 2) {
      const std::uint16_t half = half_bits(value);
      std::memcpy(out, &half, size);
    } else if (raw.floating) {
      const auto single = static_cast<float>(value);
      std::memcpy(out, &single, size);
    } else {
      const double rounded = std::isnan(value) ? 0.0 : std::nearbyint(value);
      const double clipped = rounded > raw.low ? (rounded < raw.high ? rounded : raw.high) : raw.low;
      std::uint64_t bits = 0;
      if (raw.is_signed) {
        bits = static_cast<std::uint64_t>(clipped >= 9223372036854775807.0 ? std::numeric_limits<std::int64_t>::max()
                                                                          : static_cast<std::int64_t>(clipped));
      } else {
        bits = clipped >= 18446744073709551615.0 ? std::numeric_limits<std::uint64_t>::max()
                                                 : static_cast<std::uint64_t>(clipped);
      }
      std::memcpy(out, &bits, size);  // little-endian: the low bytes are the value
    }
  }
  return pixel;
}

// For each output position along an axis, the byte offset of its source pixel; -1 where the fill colour shows.
struct AxisTable {
  std::int64_t* offset = nullptr;
  std::int64_t first = 0;  // positions first .. end lie inside the source
  std::int64_t end = 0;
};

inline AxisTable axis_table(std::int64_t n, std::int64_t source_n, std::int64_t step, Border border, bool paint,
                            const std::int64_t* index, Scratch& scratch) {
  AxisTable table;
  table.offset = static_cast<std::int64_t*>(scratch.piece(sizeof(std::int64_t) * static_cast<std::size_t>(n)));
  table.first = n;
  bool within = false;
  for (std::int64_t i = 0; i < n; ++i) {
    const bool inside = index[i] >= 0 && index[i] < source_n;
    table.offset[i] = inside ? index[i] * step : paint ? -1 : border_index(index[i], source_n, border) * step;
    if (inside && !within) table.first = i;
    if (inside) table.end = i + 1;
    within = within || inside;
  }
  if (!within) table.first = table.end = 0;
  return table;
}

// One pixel; those of many bytes by two moves that overlap, as a call for so few would take longer than they do.
template <class Size>
COVARY_INLINE void copy_pixel(std::uint8_t* to, const std::uint8_t* from, Size pixel) {
  if constexpr (std::is_same_v<Size, AnySize>) {
    const std::size_t n = pixel.size();
    if (n >= 8 && n <= 16) {
      std::uint64_t first, last;
      std::memcpy(&first, from, 8);
      std::memcpy(&last, from + n - 8, 8);
      std::memcpy(to, &first, 8);
      std::memcpy(to + n - 8, &last, 8);
      return;
    }
    if (n > 16 && n <= 32) {
      std::uint64_t part[4];
      std::memcpy(part, from, 16);
      std::memcpy(part + 2, from + n - 16, 16);
      std::memcpy(to, part, 16);
      std::memcpy(to + n - 16, part + 2, 16);
      return;
    }
  }
  std::memcpy(to, from, pixel.size());
}

#if defined(COVARY_ENGINE_AVX2)

// How 64 bytes of a row whose pixels stand in reversed order are made of two times 64 bytes of the row as it was, for every
// place in a pixel at which they may begin.
struct Turns {
  static constexpr std::int64_t widest = 32;
  struct Turn {
    alignas(64) std::uint8_t places[64];
    std::int64_t pixels;  // how many of them they touch
  };
  const Turn* turns = nullptr;

  static Turns of(std::int64_t size, Scratch& scratch) {
    if (size > widest || !has_vbmi()) return {};
    auto* turns = static_cast<Turn*>(scratch.piece(sizeof(Turn) * static_cast<std::size_t>(size)));
    for (std::int64_t begin = 0; begin < size; ++begin) {
      Turn& turn = turns[begin];
      turn.pixels = (begin + 63) / size + 1;
      const std::int64_t span = turn.pixels * size;  // bytes; the second 64 of them are its last
      std::int64_t pixel = 0, byte = begin;
      for (std::uint8_t& place : turn.places) {
        const std::int64_t from = (turn.pixels - 1 - pixel) * size + byte;
        place = static_cast<std::uint8_t>(from < 64 ? from : 128 - span + from);
        if (++byte == size) ++pixel, byte = 0;
      }
    }
    return {turns};
  }
};

// Lines `from` .. `to` (in bytes) of a row whose last pixel is given.
COVARY_VBMI inline void reverse_lines(const std::uint8_t* last, std::int64_t from, std::int64_t to, std::int64_t size,
                                      const Turns& turns, bool streamed, std::int64_t ahead, std::uint8_t* out) {
  const Turns::Turn* const ways = turns.turns;
  const std::int64_t step = 64 / size * size, rest = 64 % size;
  // The bytes from here on begin so far in this pixel of the source.
  std::int64_t begin = from % size;
  const std::uint8_t* pixel = last - from / size * size;
  for (std::int64_t at = from; at + 64 <= to; at += 64) {
    const Turns::Turn& way = ways[begin];
    const std::uint8_t* low = pixel - (way.pixels - 1) * size;
    if (ahead != 0) _mm_prefetch(reinterpret_cast<const char*>(reinterpret_cast<std::intptr_t>(low) + ahead), _MM_HINT_T0);
    const __m512i a = _mm512_loadu_si512(low);
    const __m512i b = _mm512_loadu_si512(pixel + size - 64);
    const __m512i turned = _mm512_permutex2var_epi8(a, _mm512_load_si512(way.places), b);
    if (streamed) {
      _mm512_stream_si512(reinterpret_cast<__m512i*>(out + at), turned);
    } else {
      _mm512_storeu_si512(out + at, turned);
    }
    begin += rest;
    pixel -= step;
    if (begin >= size) {
      begin -= size;
      pixel -= size;
    }
  }
}

// A row of at least 64 bytes, by whole lines of what is written, with which its ends overlap. One to be streamed begins and
// ends with a line.
inline void reverse_row(const std::uint8_t* last, std::int64_t bytes, std::int64_t size, const Turns& turns, bool streamed,
                        std::int64_t ahead, std::uint8_t* out) {
  const std::int64_t first = static_cast<std::int64_t>(-reinterpret_cast<std::uintptr_t>(out) % 64);
  if (first > 0) reverse_lines(last, 0, 64, size, turns, false, ahead, out);
  reverse_lines(last, first, bytes, size, turns, streamed, ahead, out);
  if ((bytes - first) % 64 > 0) reverse_lines(last, bytes - 64, bytes, size, turns, false, ahead, out);
}

// Pixels of up to 16 bytes, as many at a time as 16 bytes hold; returns how many were turned.
inline std::int64_t reverse_by16(const std::uint8_t* last, std::int64_t n, std::int64_t size, std::int64_t ahead, std::uint8_t* out) {
  const std::int64_t count = 16 / size;
  alignas(16) std::uint8_t at[16];
  for (std::int64_t j = 0; j < 16; ++j)
    at[j] = j < count * size ? static_cast<std::uint8_t>(16 - (j / size + 1) * size + j % size) : std::uint8_t{0};
  const __m128i places = load_128(at);
  const std::int64_t room = (15 + size) / size;  // pixels that 16 bytes reach into
  std::int64_t x = 0;
  for (; x + room <= n; x += count) {
    const std::uint8_t* from = last + size - x * size - 16;
    if (ahead != 0) prefetch(from, ahead);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + x * size), _mm_shuffle_epi8(load_128(from), places));
  }
  return x;
}

#else

struct Turns {
  static Turns of(std::int64_t /*size*/, Scratch& /*scratch*/) { return {}; }
};

#endif

// `last` is the source's last pixel in reading order. What lies `ahead` bytes further is asked of the memory early: no
// processor expects rows that are read backwards, one after the other.
template <class Size>
inline void reverse_pixels(const std::uint8_t* COVARY_RESTRICT last, std::int64_t n, const Turns& turns, bool streamed,
                           std::int64_t ahead, std::uint8_t* COVARY_RESTRICT out, Size pixel) {
  const auto size = static_cast<std::int64_t>(pixel.size());
  std::int64_t x = 0;
  (void)turns, (void)streamed, (void)ahead;
#if defined(COVARY_ENGINE_AVX2)
  if (turns.turns != nullptr && n * size >= 64) return reverse_row(last, n * size, size, turns, streamed, ahead, out);
  if (std::is_same_v<Size, Fixed<3>>) {
    for (; x + 16 <= n; x += 16) {
      const std::uint8_t* from = last + 3 - 3 * x - 48;
      if (ahead != 0) prefetch(from, ahead);
      const __m128i a = load_128(from), b = load_128(from + 16), c = load_128(from + 32);
      for (int part = 0; part < 3; ++part)
        _mm_storeu_si128(reinterpret_cast<__m128i*>(out + 3 * x + 16 * part), merge3(shuffles3.reversed, part, false, a, b, c));
    }
  } else if (size <= 16) {
    x = reverse_by16(last, n, size, ahead, out);
  }
#endif
  for (; x < n; ++x) copy_pixel(out + x * size, last - x * size, pixel);
}

// A run of bytes, and what lies `ahead` bytes behind it asked of the memory early.
inline void copy_ahead(const std::uint8_t* COVARY_RESTRICT in, std::int64_t n, std::int64_t ahead, std::uint8_t* COVARY_RESTRICT out) {
  (void)ahead;
#if defined(COVARY_ENGINE_AVX2)
  for (std::int64_t i = 0; ahead != 0 && i < n; i += 64) prefetch(in + i, ahead);
#endif
  std::memcpy(out, in, static_cast<std::size_t>(n));
}

template <class Size>
inline void repeat_pixel(const std::uint8_t* value, std::int64_t n, std::uint8_t* out, Size pixel) {
  for (std::int64_t x = 0; x < n; ++x) copy_pixel(out + static_cast<std::size_t>(x) * pixel.size(), value, pixel);
}

// Rows by tables of offsets along both axes; `turn` is +1 or -1 where the inside of a row is one run, else 0.
template <class Size>
void copy_by_tables(const Picture& in, Picture& out, const AxisTable& tx, const AxisTable& ty, bool transposed,
                    std::int64_t turn, const std::uint8_t* paint, const Shuffles& shuffles, std::uint8_t* staging,
                    std::uint8_t* painted, const Turns& turns, Size pixel) {
  const auto size = static_cast<std::int64_t>(pixel.size());
  if (transposed) {
    // Tiles, so that the source lines that a tile needs stay in the cache.
    constexpr std::int64_t tile = 32;
    const std::int64_t bytes = in.bytes();
    for (std::int64_t y0 = 0; y0 < out.height; y0 += tile) {
      const std::int64_t y1 = std::min(out.height, y0 + tile);
      for (std::int64_t x0 = 0; x0 < out.width; x0 += tile) {
        const std::int64_t x1 = std::min(out.width, x0 + tile);
        for (std::int64_t y = y0; y < y1; ++y) {
          std::uint8_t* target = out.data + (y * out.width + x0) * size;
          const std::int64_t along = tx.offset[y];
          std::int64_t x = x0;
          if (paint == nullptr) {
            const std::uint8_t* line = in.data + along;
            if constexpr (std::is_same_v<Size, Fixed<3>>) {
              // Four bytes at a time; the next pixel mends the fourth. The last pixel of the picture is not read this way.
              for (; x + 1 < x1; ++x, target += 3) {
                std::uint32_t bits;
                const std::int64_t offset = along + ty.offset[x];
                if (offset + 4 > bytes) break;
                std::memcpy(&bits, in.data + offset, 4);
                std::memcpy(target, &bits, 4);
              }
            }
            for (; x < x1; ++x, target += size) std::memcpy(target, line + ty.offset[x], pixel.size());
            continue;
          }
          for (; x < x1; ++x, target += size) {
            const bool seen = along >= 0 && ty.offset[x] >= 0;
            std::memcpy(target, seen ? in.data + along + ty.offset[x] : paint, pixel.size());
          }
        }
      }
    }
    return;
  }
  if (paint != nullptr) repeat_pixel(paint, out.width, painted, pixel);
  const std::int64_t run = out.row_size();
  Writer writer(out);
  // Streamed rows in the order in which the source's rows lie, which is how the processor expects to read; but those that
  // share lines of memory from first to last. What stays in the cache is written in the order that the processor expects.
  const bool whole_lines = !out.streamed || writer.whole_lines(run);
  const bool upwards = out.streamed && whole_lines && out.height > 1 && ty.offset[0] > ty.offset[out.height - 1];
  const std::int64_t rows_ahead = out.streamed ? 2 : 4;
  for (std::int64_t i = 0; i < out.height; ++i) {
    const std::int64_t y = upwards ? out.height - 1 - i : i;
    std::uint8_t* const line = out.data + y * run;
    if (upwards) writer.go_to(line);
    const auto put = [&](const std::uint8_t* from, std::int64_t n, std::int64_t ahead) {
      if (out.streamed) {
        writer.write(from, n, ahead);
      } else {
        copy_ahead(from, n, ahead, line);
      }
    };
    if (ty.offset[y] < 0) {
      put(painted, run, 0);
      continue;
    }
    const std::uint8_t* row = in.data + ty.offset[y];
    const std::int64_t later = upwards ? y - rows_ahead : y + rows_ahead;
    const bool more = later >= 0 && later < out.height && ty.offset[later] >= 0;
    const std::int64_t ahead = more ? ty.offset[later] - ty.offset[y] : 0;
    if (turn > 0 && tx.first == 0 && tx.end == out.width && out.width > 0) {
      put(row + tx.offset[0], run, ahead);
      continue;
    }
    if (turn < 0 && tx.first == 0 && tx.end == out.width && whole_lines) {
      reverse_pixels(row + tx.offset[0], out.width, turns, out.streamed, 2 * in.row_size(), line, pixel);
      writer.go_to(line + run);
      continue;
    }
    std::uint8_t* const target = out.streamed ? staging : line;
    const auto by_table = [&](std::int64_t from, std::int64_t to) {
      if (paint != nullptr && turn != 0 && tx.first < tx.end) {
        std::memcpy(target + from * size, painted + from * size, static_cast<std::size_t>((to - from) * size));
        return;
      }
      // Copies of its own: for all the compiler knows, what is written may be the table.
      const std::int64_t* const offsets = tx.offset;
      std::uint8_t* const start = target;
      const std::uint8_t* const line_of = row;
      if (paint == nullptr) {
        std::int64_t x = from;
        for (; x + 4 <= to; x += 4) {
          const std::int64_t a = offsets[x], b = offsets[x + 1], c = offsets[x + 2], d = offsets[x + 3];
          copy_pixel(start + x * size, line_of + a, pixel);
          copy_pixel(start + (x + 1) * size, line_of + b, pixel);
          copy_pixel(start + (x + 2) * size, line_of + c, pixel);
          copy_pixel(start + (x + 3) * size, line_of + d, pixel);
        }
        for (; x < to; ++x) copy_pixel(start + x * size, line_of + offsets[x], pixel);
        return;
      }
      for (std::int64_t x = from; x < to; ++x) {
        const std::int64_t offset = offsets[x];
        copy_pixel(start + x * size, offset < 0 ? paint : line_of + offset, pixel);
      }
    };
    if (turn == 0 || tx.first >= tx.end) {
      const std::int64_t before = upwards ? y + 1 : y - 1;
      if (i > 0 && ty.offset[y] == ty.offset[before]) {
        // The same row of the source again, as where it is enlarged.
        if (!out.streamed) std::memcpy(target, out.data + before * run, static_cast<std::size_t>(run));
      } else if (shuffles.any()) {
        shuffle_row(shuffles, row, target);
      } else {
        by_table(0, out.width);
      }
    } else {
      by_table(0, tx.first);
      const std::uint8_t* start = row + tx.offset[tx.first];
      if (turn > 0) {
        copy_ahead(start, (tx.end - tx.first) * size, ahead, target + tx.first * size);
      } else {
        reverse_pixels(start, tx.end - tx.first, turns, false, out.streamed ? ahead : 2 * in.row_size(), target + tx.first * size, pixel);
      }
      by_table(tx.end, out.width);
    }
    if (out.streamed) writer.write(staging, run);
  }
}

// `colour` is the last Fill's, or null.
inline void copy_picture(const Picture& in, Picture& out, const Geometry& g, Border border, const double* colour,
                         const RawType& raw, Scratch& scratch) {
  if (g.form == Form::none) {
    Writer(out).write(in.data, out.bytes(), 4096);
    return;
  }
  const std::uint8_t* paint = colour == nullptr ? nullptr : painted_pixel(colour, in, raw, scratch);
  if (g.form != Form::exact && g.form != Form::axes) {
    Ramp ramp(g, out.width, scratch);
    with_pixel_size(in.pixel_size(), [&](auto pixel) { Nearest<decltype(pixel)>{in, out, g, border, paint, ramp, pixel}.picture(scratch); });
    return;
  }
  const std::int64_t along_x = g.transposed ? out.height : out.width;  // the output axis that runs along source x
  const std::int64_t along_y = g.transposed ? out.width : out.height;
  const auto longest = static_cast<std::size_t>(std::max(along_x, along_y));
  auto* index = static_cast<std::int64_t*>(scratch.piece(sizeof(std::int64_t) * longest));
  const auto table = [&](std::int64_t n, std::int64_t source_n, std::int64_t step, std::int64_t turn, std::int64_t move,
                         double scale, double offset) {
    for (std::int64_t i = 0; i < n; ++i) {
      if (g.form == Form::exact) {
        index[i] = turn * i + move;
      } else {
        index[i] = floor_int(scale * (static_cast<double>(i) + 0.5) + offset);
      }
    }
    return axis_table(n, source_n, step, border, paint != nullptr, index, scratch);
  };
  const AxisTable tx = table(along_x, in.width, in.pixel_size(), g.turn_x, g.move_x, g.m[0], g.m[2]);
  const AxisTable ty = table(along_y, in.height, in.row_size(), g.turn_y, g.move_y, g.m[4], g.m[5]);
  const std::int64_t turn = g.form == Form::exact ? g.turn_x : 0;
  const Shuffles shuffles =
      turn == 0 ? shuffles_of(tx.offset, out.width, out.height, in.pixel_size(), paint, in.row_size(), scratch) : Shuffles{};
  auto* staging = static_cast<std::uint8_t*>(scratch.piece(static_cast<std::size_t>(out.row_size())));
  auto* painted = static_cast<std::uint8_t*>(scratch.piece(static_cast<std::size_t>(out.row_size())));
  const Turns turns = turn < 0 && !g.transposed ? Turns::of(in.pixel_size(), scratch) : Turns{};
  with_pixel_size(in.pixel_size(), [&](auto pixel) {
    copy_by_tables(in, out, tx, ty, g.transposed, turn, paint, shuffles, staging, painted, turns, pixel);
  });
}

// HWC to CHW.
inline void plane_picture(const Picture& in, Picture& out) {
  const auto size = static_cast<std::size_t>(element_size(in.element));
  const std::int64_t pixels = in.height * in.width;
  for (std::int64_t c = 0; c < in.channels; ++c)
    for (std::int64_t i = 0; i < pixels; ++i)
      std::memcpy(out.data + static_cast<std::size_t>(c * pixels + i) * size,
                  in.data + static_cast<std::size_t>(i * in.channels + c) * size, size);
}

}  // namespace covary::COVARY_ENGINE
