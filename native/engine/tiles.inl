// Nearest sampling of bytes through an affine map, a tile of 8 x 8 pixels at a time: all that a tile shows lies in 16 x 16
// bytes of the source, a table in four registers.
namespace covary::COVARY_ENGINE {

constexpr int tile_side = 8;

#if defined(COVARY_ENGINE_AVX2)

// Positions along a row of tiles, in units of 2**-40 of a pixel.
constexpr int track_bits = 40;
constexpr std::int64_t track_pixel = std::int64_t{1} << track_bits;

inline std::int64_t on_track(double pixels) { return std::llrint(pixels * static_cast<double>(track_pixel)); }

// What a border makes of sixteen columns (or rows) of the continued plane: which of sixteen of the source each one shows.
struct TileTables {
  std::uint8_t still[16], mirrored[16];
  std::uint8_t first[16], last[16];  // the edge itself
  // Columns -16 .. 15 from the edge on at which the source begins, seen from the source's first sixteen; and columns 0 .. 31 of
  // which it has sixteen, its last.
  std::uint8_t begin[32], end[32];

  TileTables(Border border, int factor) {
    const auto entry = [&](int place) { return static_cast<std::uint8_t>(factor * std::min(std::max(place, 0), 15)); };
    for (int i = 0; i < 16; ++i) {
      still[i] = entry(i);
      mirrored[i] = entry(15 - i);
      first[i] = entry(0);
      last[i] = entry(15);
    }
    const bool reflects = border == Border::reflect, turns = reflects || border == Border::symmetric;
    for (int i = 0; i < 32; ++i) {
      const int column = i - 16;
      begin[i] = entry(column < 0 && turns ? (reflects ? -column : -1 - column) : column);
      end[i] = entry(i > 15 && turns ? (reflects ? 30 - i : 31 - i) : i);
    }
  }
};

// Which columns of `TileTables::begin` and `end` lie beyond the edge.
struct TileOutside {
  std::uint8_t nowhere[16], begin[32], end[32];

  constexpr TileOutside() : nowhere{}, begin{}, end{} {
    for (int i = 0; i < 16; ++i) begin[i] = end[i + 16] = 0x80;
  }
};
constexpr TileOutside tile_outside;

// A part of the continued plane, along one axis: the source itself, what the border makes of it on one side, or what lies
// about an edge. The sixteen columns (or rows) that hold those of a tile are counted from `counted` on, and what they show
// stands in the sixteen of the source from sign * counted + offset on.
struct TileZone {
  std::int64_t low = 0;  // least positions of the tiles that lie in it: low .. high
  std::int64_t high = -1;
  std::int64_t most = 0;  // of `counted`
  std::int64_t sign = 1;
  std::int64_t offset = 0;
  const std::uint8_t* places = nullptr;  // a table of TileTables; where an edge is, from its entry counted - origin on
  const std::uint8_t* outside = tile_outside.nowhere;
  bool edge = false;
  std::int64_t origin = 0;
  bool painted = false;  // there is no source here

  bool holds(std::int64_t least) const { return least >= low && least <= high; }
  std::int64_t counted(std::int64_t least) const { return std::min(least >> track_bits, most); }
  std::int64_t entry(std::int64_t count) const { return edge ? count - origin : 0; }
};

// The zone of a tile whose positions are least .. least + extent, in an axis of n >= 16; one that does not hold it where there is
// none for it.
inline TileZone tile_zone(std::int64_t least, std::int64_t extent, std::int64_t n, Border border, bool paint,
                          const TileTables& tables) {
  constexpr std::int64_t hair = std::int64_t{1} << 20;
  constexpr std::int64_t endless = std::numeric_limits<std::int64_t>::max() / 4;
  const auto between = [&](std::int64_t first, std::int64_t last) {
    TileZone zone;
    zone.low = first * track_pixel + hair;
    zone.high = (last + 1) * track_pixel - extent - hair;
    zone.most = last - 15;
    zone.places = tables.still;
    return zone;
  };
  TileZone zone = between(0, n - 1);
  if (zone.holds(least)) return zone;
  const bool before = least < zone.low;
  // Clear of the edge, or across it.
  const std::int64_t middle = before ? -extent - hair : n * track_pixel + hair;
  if (before ? least > middle : least < middle) {
    const TileZone inside = zone;
    zone.low = before ? middle + 1 : std::max(inside.high, hair);
    zone.high = before ? std::min(inside.low, inside.high) : middle - 1;
    zone.most = endless;
    zone.sign = 0;
    zone.offset = before ? 0 : n - 16;
    zone.places = before ? tables.begin : tables.end;
    zone.outside = before ? tile_outside.begin : tile_outside.end;
    zone.edge = true;
    zone.origin = before ? -16 : n - 16;
    if (border == Border::wrap) zone.high = zone.low - 1;
    return zone;
  }
  if (!paint && (border == Border::reflect || border == Border::symmetric)) {
    const std::int64_t sum = border == Border::reflect ? (before ? 0 : 2 * (n - 1)) : (before ? -1 : 2 * n - 1);
    zone = between(sum - (n - 1), sum);
    zone.sign = -1;
    zone.offset = sum - 15;
    zone.places = tables.mirrored;
    return zone;
  }
  if (!paint && border == Border::wrap) {
    const std::int64_t shift = before ? n : -n;
    zone = between(-shift, n - 1 - shift);
    zone.offset = shift;
    return zone;
  }
  zone.low = before ? -endless : middle;
  zone.high = before ? middle : endless;
  zone.most = endless;
  zone.sign = 0;
  zone.offset = before ? 0 : n - 16;
  zone.places = before ? tables.first : tables.last;
  zone.painted = paint;
  return zone;
}

// Within a tile, positions are counted in units of 2**-24 of a pixel. Those so close to an edge between two pixels that rounding
// could have moved them across it are left to exact arithmetic.
class Tiles {
 public:
  // Whether the picture and the map (6 numbers) are such as this takes.
  static bool take(const double* m, const Picture& in, const Picture& out) {
    constexpr double most = 1048576.0;  // positions this small are exact to far less than a unit
    constexpr double reach = 14.9 / (tile_side - 1);
    const double width = static_cast<double>(out.width), height = static_cast<double>(out.height);
    return has_vbmi() && in.pixel_size() == 1 && in.width >= 16 && in.height >= 16 && in.width < most && in.height < most &&
           out.width >= tile_side && out.height >= tile_side &&  //
           std::fabs(m[0]) + std::fabs(m[1]) < reach && std::fabs(m[3]) + std::fabs(m[4]) < reach &&
           std::fabs(m[0]) * width + std::fabs(m[1]) * height + std::fabs(m[2]) < most &&
           std::fabs(m[3]) * width + std::fabs(m[4]) * height + std::fabs(m[5]) < most;
  }

  Tiles(const double* m, const Picture& in, const Picture& out, Border border, const std::uint8_t* paint)
      : across_(border, 1), down_(border, 16), m_(m), in_(in), width_(out.width), border_(border), paint_(paint) {
    constexpr double last = tile_side - 1;
    low_x_ = std::min(0.0, last * m[0]) + std::min(0.0, last * m[1]);
    low_y_ = std::min(0.0, last * m[3]) + std::min(0.0, last * m[4]);
    extent_x_ = on_track(last * (std::fabs(m[0]) + std::fabs(m[1])));
    extent_y_ = on_track(last * (std::fabs(m[3]) + std::fabs(m[4])));
    columns_ = span(m, 0, out.height, in.width);
    // Packing takes four bytes of each register in turn, in each of its four lanes.
    for (int n = 0; n < tile_side * tile_side; ++n) {
      const double i = n % tile_side;
      const double j = n / tile_side;
      const int at = 16 * (n / 4 % 4) + 4 * (n / 16) + n % 4;
      x_[at] = static_cast<std::int32_t>(std::lrint((m[0] * i + m[1] * j - low_x_) * (1 << bits)));
      y_[at] = static_cast<std::int32_t>(std::lrint((m[3] * i + m[4] * j - low_y_) * (1 << bits)));
    }
  }

  // Asks the memory for the rows of the source that output rows y .. end need, unless that has been done: no processor expects
  // what a turned picture reads. Calls go down or up the picture without leaving anything out.
  void ask(std::int64_t y, std::int64_t end) {
    const Span rows = span(m_ + 3, y, end, in_.height);
    if (rows.from >= rows.end) return;
    if (asked_.from >= asked_.end) asked_ = {rows.from, rows.from};
    for (; asked_.end < rows.end; ++asked_.end) ask_row(asked_.end);
    while (asked_.from > rows.from) ask_row(--asked_.from);
  }

  // The tiles of rows y .. y + 8, which stand at `rows`, from column x on, up to one that must be left to others: returns its
  // column, or that at which the last whole tile ends.
  COVARY_VBMI std::int64_t render(std::int64_t x, std::int64_t y, std::uint8_t* rows) const {
    const double cx = static_cast<double>(x) + 0.5;
    const double cy = static_cast<double>(y) + 0.5;
    std::int64_t left = on_track(m_[0] * cx + m_[1] * cy + m_[2] + low_x_);
    std::int64_t top = on_track(m_[3] * cx + m_[4] * cy + m_[5] + low_y_);
    const std::int64_t step_x = on_track(m_[0] * tile_side);
    const std::int64_t step_y = on_track(m_[3] * tile_side);
    const std::int64_t stride = width_;
    std::uint8_t* target = rows + x;
    const __m512i fraction = _mm512_set1_epi32((1 << bits) - 1);
    const __m512i colour = _mm512_set1_epi8(static_cast<char>(paint_ == nullptr ? 0 : *paint_));
    while (x + tile_side <= stride) {
      const TileZone across = tile_zone(left, extent_x_, in_.width, border_, paint_ != nullptr, across_);
      const TileZone down = tile_zone(top, extent_y_, in_.height, border_, paint_ != nullptr, down_);
      if (!across.holds(left) || !down.holds(top)) return x;
      const bool painted = across.painted || down.painted;
      const bool partly = paint_ != nullptr && (across.edge || down.edge);
      const std::uint8_t* const origin = in_.data + down.offset * in_.width + across.offset;
      for (; x + tile_side <= stride && across.holds(left) && down.holds(top);
           x += tile_side, target += tile_side, left += step_x, top += step_y) {
        if (painted) {
          for (int j = 0; j < tile_side; ++j) std::memset(target + j * stride, *paint_, tile_side);
          continue;
        }
        const std::int64_t column = across.counted(left);
        const std::int64_t row = down.counted(top);
        const __m512i from_x = _mm512_set1_epi32(units(left, column) + doubt);
        const __m512i from_y = _mm512_set1_epi32(units(top, row) + doubt);
        __m512i least = fraction;
        __m512i at_x[4];
        __m512i at_y[4];
#pragma GCC unroll 4
        for (int k = 0; k < 4; ++k) {
          const __m512i fine_x = _mm512_add_epi32(from_x, _mm512_load_si512(x_ + 16 * k));
          const __m512i fine_y = _mm512_add_epi32(from_y, _mm512_load_si512(y_ + 16 * k));
          least = _mm512_min_epu32(least, _mm512_min_epu32(_mm512_and_si512(fine_x, fraction), _mm512_and_si512(fine_y, fraction)));
          at_x[k] = _mm512_srli_epi32(fine_x, bits);
          at_y[k] = _mm512_srli_epi32(fine_y, bits);
        }
        if (_mm512_cmplt_epu32_mask(least, _mm512_set1_epi32(2 * doubt)) != 0) return x;
        const __m512i columns = packed(at_x);
        const __m512i rows_of = packed(at_y);
        const std::int64_t entry_x = across.entry(column);
        const std::int64_t entry_y = down.entry(row);
        const __m512i places = _mm512_or_si512(_mm512_shuffle_epi8(four_times(across.places + entry_x), columns),
                                               _mm512_shuffle_epi8(four_times(down.places + entry_y), rows_of));
        __m512i found = look_up(origin + down.sign * row * in_.width + across.sign * column, in_.width, places);
        if (partly) {
          const __m512i outside = _mm512_or_si512(_mm512_shuffle_epi8(four_times(across.outside + entry_x), columns),
                                                  _mm512_shuffle_epi8(four_times(down.outside + entry_y), rows_of));
          found = _mm512_mask_mov_epi8(found, _mm512_movepi8_mask(outside), colour);
        }
        two_rows(_mm512_castsi512_si128(found), target, stride);
        two_rows(_mm512_extracti32x4_epi32(found, 1), target + 2 * stride, stride);
        two_rows(_mm512_extracti32x4_epi32(found, 2), target + 4 * stride, stride);
        two_rows(_mm512_extracti32x4_epi32(found, 3), target + 6 * stride, stride);
      }
    }
    return x;
  }

 private:
  struct Span {
    std::int64_t from = 0, end = 0;
  };

  // What of an axis of n the output rows y .. end see, by the three numbers of the map for this axis.
  Span span(const double* m, std::int64_t y, std::int64_t end, std::int64_t n) const {
    const double width = m[0] * static_cast<double>(width_);
    const double low = m[1] * static_cast<double>(m[1] > 0 ? y : end), high = m[1] * static_cast<double>(m[1] > 0 ? end : y);
    return {std::max<std::int64_t>(static_cast<std::int64_t>(std::min(width, 0.0) + low + m[2]), 0),
            std::min<std::int64_t>(static_cast<std::int64_t>(std::max(width, 0.0) + high + m[2]) + 1, n)};
  }

  void ask_row(std::int64_t row) const {
    const auto* line = reinterpret_cast<const char*>(in_.data + row * in_.width);
    for (std::int64_t x = columns_.from; x < columns_.end; x += 64) _mm_prefetch(line + x, _MM_HINT_T1);
  }

  static constexpr int bits = 24;
  static constexpr std::int32_t doubt = 4;

  static std::int32_t units(std::int64_t position, std::int64_t counted) {
    return static_cast<std::int32_t>((position - counted * track_pixel) >> (track_bits - bits));
  }

  // The lowest bytes of all elements, none of which is above 255.
  COVARY_VBMI static __m512i packed(const __m512i part[4]) {
    return _mm512_packus_epi16(_mm512_packus_epi32(part[0], part[1]), _mm512_packus_epi32(part[2], part[3]));
  }

  COVARY_VBMI static __m512i four_times(const std::uint8_t* table) { return _mm512_broadcast_i32x4(load_128(table)); }

  // Sixteen rows of sixteen bytes, looked up at row * 16 + column.
  COVARY_VBMI static __m512i look_up(const std::uint8_t* from, std::int64_t stride, __m512i places) {
    const __m512i upper = _mm512_permutex2var_epi8(four_rows(from, stride), places, four_rows(from + 4 * stride, stride));
    from += 8 * stride;
    const __m512i lower = _mm512_permutex2var_epi8(four_rows(from, stride), places, four_rows(from + 4 * stride, stride));
    return _mm512_mask_blend_epi8(_mm512_movepi8_mask(places), upper, lower);
  }

  COVARY_VBMI static __m512i four_rows(const std::uint8_t* from, std::int64_t stride) {
    const __m256i first = _mm256_inserti128_si256(_mm256_castsi128_si256(load_128(from)), load_128(from + stride), 1);
    from += 2 * stride;
    const __m256i second = _mm256_inserti128_si256(_mm256_castsi128_si256(load_128(from)), load_128(from + stride), 1);
    return _mm512_inserti64x4(_mm512_castsi256_si512(first), second, 1);
  }

  static void two_rows(__m128i pixels, std::uint8_t* target, std::int64_t stride) {
    _mm_storel_epi64(reinterpret_cast<__m128i*>(target), pixels);
    _mm_storeh_pd(reinterpret_cast<double*>(target + stride), _mm_castsi128_pd(pixels));
  }

  alignas(64) std::int32_t x_[tile_side * tile_side];
  alignas(64) std::int32_t y_[tile_side * tile_side];
  TileTables across_;
  TileTables down_;
  const double* m_;
  Picture in_;
  std::int64_t width_;  // of the output
  Span columns_;        // of the source that are seen at all
  Span asked_;
  Border border_;
  const std::uint8_t* paint_;
  double low_x_, low_y_;              // of a tile's least position, from that of its first pixel
  std::int64_t extent_x_, extent_y_;  // from its least position to its greatest
};

#else

// Everything is left to others.
class Tiles {
 public:
  static bool take(const double*, const Picture&, const Picture&) { return false; }
  Tiles(const double*, const Picture&, const Picture&, Border, const std::uint8_t*) {}
  void ask(std::int64_t, std::int64_t) {}
  std::int64_t render(std::int64_t x, std::int64_t, std::uint8_t*) const { return x; }
};

#endif

}  // namespace covary::COVARY_ENGINE
