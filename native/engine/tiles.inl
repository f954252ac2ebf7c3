// Nearest sampling of bytes through an affine map, a tile of 8 x 8 pixels at a time: all that a tile shows lies in 16 x 16
// bytes of the source, a table in four registers.
namespace covary::COVARY_ENGINE {

constexpr int tile_side = 8;

#if defined(COVARY_ENGINE_AVX2)

// Sixteen columns (or rows) of the source that hold all those that a tile shows.
struct TileWindow {
  std::int64_t from = 0;     // the first of them
  std::int64_t counted = 0;  // the column of the continued plane at which places in the window begin
  // What border makes of the places: (place & keep) ^ turn.
  std::uint8_t keep = 15;
  std::uint8_t turn = 0;
  bool painted = false;  // there is no source here
};

// Columns low .. high of the continued plane in an axis of n >= 16; false where an edge runs through them.
COVARY_INLINE bool tile_window(double low, double high, std::int64_t n, Border border, bool paint, TileWindow& window) {
  constexpr double hair = 1e-6;
  const auto first = static_cast<std::int64_t>(std::floor(low - hair));
  const auto last = static_cast<std::int64_t>(std::floor(high + hair));
  if (first >= 0 && last < n) {
    window.from = window.counted = std::min(first, n - 16);
    return true;
  }
  const bool before = last < 0;
  if (!before && first < n) return false;
  window.painted = paint;
  if (paint) return true;
  if (border == Border::reflect || border == Border::symmetric) {
    const std::int64_t sum = border == Border::reflect ? (before ? 0 : 2 * (n - 1)) : (before ? -1 : 2 * n - 1);
    if (first < sum - (n - 1) || last > sum) return false;
    window.counted = std::min(first, sum - 15);
    window.from = sum - window.counted - 15;
    window.turn = 15;
  } else if (border == Border::wrap) {
    const std::int64_t shift = before ? n : -n;
    if (first + shift < 0 || last + shift >= n) return false;
    window.from = std::min(first + shift, n - 16);
    window.counted = window.from - shift;
  } else {
    window.from = before ? 0 : n - 16;
    window.counted = first;
    window.keep = 0;
    window.turn = before ? 0 : 15;
  }
  return true;
}

// Positions are counted in units of 2**-24 of a pixel. Those so close to an edge between two pixels that rounding could have
// moved them across it are left to exact arithmetic.
class Tiles {
 public:
  static constexpr int bits = 24;
  static constexpr std::int32_t doubt = 4;

  // Whether the picture and the map (6 numbers) are such as this takes.
  static bool take(const double* m, const Picture& in, const Picture& out) {
    constexpr double most = 1048576.0;  // positions this small are exact to far less than a unit
    constexpr double reach = 14.9 / (tile_side - 1);
    const double width = static_cast<double>(out.width), height = static_cast<double>(out.height);
    return has_vbmi() && in.pixel_size() == 1 && in.width >= 16 && in.height >= 16 && out.width >= tile_side &&
           out.height >= tile_side && std::fabs(m[0]) + std::fabs(m[1]) < reach && std::fabs(m[3]) + std::fabs(m[4]) < reach &&
           std::fabs(m[0]) * width + std::fabs(m[1]) * height + std::fabs(m[2]) < most &&
           std::fabs(m[3]) * width + std::fabs(m[4]) * height + std::fabs(m[5]) < most;
  }

  Tiles(const double* m, const Picture& in, Border border, const std::uint8_t* paint)
      : m_(m), in_(in), border_(border), paint_(paint) {
    constexpr double last = tile_side - 1;
    low_x_ = std::min(0.0, last * m[0]) + std::min(0.0, last * m[1]);
    low_y_ = std::min(0.0, last * m[3]) + std::min(0.0, last * m[4]);
    extent_x_ = last * (std::fabs(m[0]) + std::fabs(m[1]));
    extent_y_ = last * (std::fabs(m[3]) + std::fabs(m[4]));
    // Packing takes four bytes of each register in turn, in each of its four lanes.
    for (int n = 0; n < tile_side * tile_side; ++n) {
      const double i = n % tile_side;
      const double j = n / tile_side;
      const int at = 16 * (n / 4 % 4) + 4 * (n / 16) + n % 4;
      x_[at] = units(m[0] * i + m[1] * j - low_x_);
      y_[at] = units(m[3] * i + m[4] * j - low_y_);
    }
  }

  // The tile whose first pixel is (x, y), at `target` in rows of `stride` bytes. False, and nothing done, where that must be
  // left to others.
  COVARY_VBMI bool render(std::int64_t x, std::int64_t y, std::uint8_t* target, std::int64_t stride) const {
    const double cx = static_cast<double>(x) + 0.5;
    const double cy = static_cast<double>(y) + 0.5;
    const double left = m_[0] * cx + m_[1] * cy + m_[2] + low_x_;
    const double top = m_[3] * cx + m_[4] * cy + m_[5] + low_y_;
    TileWindow across;
    TileWindow down;
    if (!tile_window(left, left + extent_x_, in_.width, border_, paint_ != nullptr, across)) return false;
    if (!tile_window(top, top + extent_y_, in_.height, border_, paint_ != nullptr, down)) return false;
    if (across.painted || down.painted) {
      for (int j = 0; j < tile_side; ++j) std::memset(target + j * stride, *paint_, tile_side);
      return true;
    }
    const __m512i from_x = _mm512_set1_epi32(units(left - static_cast<double>(across.counted)) + doubt);
    const __m512i from_y = _mm512_set1_epi32(units(top - static_cast<double>(down.counted)) + doubt);
    const __m512i fraction = _mm512_set1_epi32((1 << bits) - 1);
    const __m512i high_half = _mm512_set1_epi32(0xF0);
    __m512i least = fraction;
    __m512i place[4];
    for (int k = 0; k < 4; ++k) {
      const __m512i at_x = _mm512_add_epi32(from_x, _mm512_load_si512(x_ + 16 * k));
      const __m512i at_y = _mm512_add_epi32(from_y, _mm512_load_si512(y_ + 16 * k));
      least = _mm512_min_epu32(least, _mm512_min_epu32(_mm512_and_si512(at_x, fraction), _mm512_and_si512(at_y, fraction)));
      // (row & 0xF0) | column
      place[k] = _mm512_ternarylogic_epi32(_mm512_srli_epi32(at_y, bits - 4), high_half, _mm512_srli_epi32(at_x, bits), 0xEA);
    }
    if (_mm512_cmplt_epu32_mask(least, _mm512_set1_epi32(2 * doubt)) != 0) return false;
    __m512i places = _mm512_packus_epi16(_mm512_packus_epi32(place[0], place[1]), _mm512_packus_epi32(place[2], place[3]));
    const __m512i keep = _mm512_set1_epi8(static_cast<char>(down.keep << 4 | across.keep));
    const __m512i turn = _mm512_set1_epi8(static_cast<char>(down.turn << 4 | across.turn));
    places = _mm512_xor_si512(_mm512_and_si512(places, keep), turn);
    const std::uint8_t* source = in_.data + down.from * in_.width + across.from;
    const __m512i upper = _mm512_permutex2var_epi8(four_rows(source), places, four_rows(source + 4 * in_.width));
    const __m512i lower = _mm512_permutex2var_epi8(four_rows(source + 8 * in_.width), places, four_rows(source + 12 * in_.width));
    const __m512i found = _mm512_mask_blend_epi8(_mm512_movepi8_mask(places), upper, lower);
    two_rows(_mm512_castsi512_si128(found), target, stride);
    two_rows(_mm512_extracti32x4_epi32(found, 1), target + 2 * stride, stride);
    two_rows(_mm512_extracti32x4_epi32(found, 2), target + 4 * stride, stride);
    two_rows(_mm512_extracti32x4_epi32(found, 3), target + 6 * stride, stride);
    return true;
  }

 private:
  static std::int32_t units(double pixels) { return static_cast<std::int32_t>(std::lrint(pixels * (1 << bits))); }

  COVARY_VBMI __m512i four_rows(const std::uint8_t* from) const {
    const std::int64_t stride = in_.width;
    __m512i rows = _mm512_castsi128_si512(load_128(from));
    rows = _mm512_inserti32x4(rows, load_128(from + stride), 1);
    rows = _mm512_inserti32x4(rows, load_128(from + 2 * stride), 2);
    return _mm512_inserti32x4(rows, load_128(from + 3 * stride), 3);
  }

  static void two_rows(__m128i pixels, std::uint8_t* target, std::int64_t stride) {
    _mm_storel_epi64(reinterpret_cast<__m128i*>(target), pixels);
    _mm_storeh_pd(reinterpret_cast<double*>(target + stride), _mm_castsi128_pd(pixels));
  }

  alignas(64) std::int32_t x_[tile_side * tile_side];
  alignas(64) std::int32_t y_[tile_side * tile_side];
  const double* m_;
  Picture in_;
  Border border_;
  const std::uint8_t* paint_;
  double low_x_, low_y_;        // of a tile's least position, from that of its first pixel
  double extent_x_, extent_y_;  // from its least position to its greatest
};

#else

// Everything is left to others.
class Tiles {
 public:
  static bool take(const double*, const Picture&, const Picture&) { return false; }
  Tiles(const double*, const Picture&, Border, const std::uint8_t*) {}
  bool render(std::int64_t, std::int64_t, std::uint8_t*, std::int64_t) const { return false; }
};

#endif

}  // namespace covary::COVARY_ENGINE
