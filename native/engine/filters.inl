// Linear filters: correlation with a small kernel, borders by "reflect". Rows here are float32 in pixel order (interleaved).
namespace covary::COVARY_ENGINE {

struct Kernel {
  const float* taps = nullptr;
  std::int64_t count = 1;
  std::int64_t reach = 0;  // taps lie at -reach .. count - 1 - reach
  bool mirrored = false;   // equal taps on both sides
};

// Zero taps at both ends are left out, evenly, so that the kernel stays centred.
inline Kernel trimmed(const double* taps, std::int64_t n, Scratch& scratch) {
  std::int64_t skip = 0;
  while (skip < n / 2 && taps[skip] == 0.0 && taps[n - 1 - skip] == 0.0) ++skip;
  Kernel kernel;
  kernel.count = n - 2 * skip;
  kernel.reach = kernel.count / 2;
  kernel.taps = floats_of(taps + skip, kernel.count, scratch);
  kernel.mirrored = kernel.count % 2 == 1;
  for (std::int64_t i = 0; i < kernel.count; ++i)
    kernel.mirrored = kernel.mirrored && kernel.taps[i] == kernel.taps[kernel.count - 1 - i];
  return kernel;
}

// The margins of a row, mirrored without the edge pixel.
template <class T>
inline void pad_mirrored(T* row, std::int64_t width, std::int64_t channels, std::int64_t reach) {
  for (std::int64_t i = 1; i <= reach; ++i) {
    const std::int64_t before = border_index(-i, width, Border::reflect) * channels;
    const std::int64_t after = border_index(width - 1 + i, width, Border::reflect) * channels;
    for (std::int64_t c = 0; c < channels; ++c) {
      row[-i * channels + c] = row[before + c];
      row[(width - 1 + i) * channels + c] = row[after + c];
    }
  }
}

// to[i] = sum over k of taps[k] * rows[k][i]: sums stay in registers while all taps are gone through.
template <bool Mirrored, class Value, class Load>
inline Value weighted(const float* const* rows, const Kernel& kernel, std::int64_t i, Load load) {
  if constexpr (Mirrored) {
    const std::int64_t middle = kernel.count / 2;
    Value sum = load(rows[middle] + i) * kernel.taps[middle];
    for (std::int64_t k = 0; k < middle; ++k)
      sum += (load(rows[k] + i) + load(rows[kernel.count - 1 - k] + i)) * kernel.taps[k];
    return sum;
  } else {
    Value sum = load(rows[0] + i) * kernel.taps[0];
    for (std::int64_t k = 1; k < kernel.count; ++k) sum += load(rows[k] + i) * kernel.taps[k];
    return sum;
  }
}

struct FourVecs {
  Vec v[4];
};

inline FourVecs operator+(const FourVecs& a, const FourVecs& b) {
  return {{a.v[0] + b.v[0], a.v[1] + b.v[1], a.v[2] + b.v[2], a.v[3] + b.v[3]}};
}
inline FourVecs operator*(const FourVecs& a, float b) { return {{a.v[0] * b, a.v[1] * b, a.v[2] * b, a.v[3] * b}}; }
inline FourVecs& operator+=(FourVecs& a, const FourVecs& b) { return a = a + b; }

template <bool Mirrored>
inline void weighted_run(const float* const* rows, const Kernel& kernel, std::int64_t n, float* to) {
  std::int64_t i = 0;
  for (; i + 32 <= n; i += 32) {
    const auto load = [](const float* p) -> FourVecs { return {{load_vec(p), load_vec(p + 8), load_vec(p + 16), load_vec(p + 24)}}; };
    const FourVecs sum = weighted<Mirrored, FourVecs>(rows, kernel, i, load);
    for (int k = 0; k < 4; ++k) store_vec(to + i + 8 * k, sum.v[k]);
  }
  for (; i < n; ++i) to[i] = weighted<Mirrored, float>(rows, kernel, i, [](const float* p) { return *p; });
}

inline void weighted_rows(const float* const* rows, const Kernel& kernel, std::int64_t n, float* to) {
  if (kernel.mirrored) {
    weighted_run<true>(rows, kernel, n, to);
  } else {
    weighted_run<false>(rows, kernel, n, to);
  }
}

// The mirrored sums of two rows of which the second's window begins a row further down: what they share is read once.
inline void weighted_pair(const float* const* rows, const Kernel& kernel, std::int64_t n, float* first, float* second) {
  const std::int64_t middle = kernel.count / 2;
  const float* taps = kernel.taps;
  std::int64_t i = 0;
  for (; i + 2 * lanes <= n; i += 2 * lanes) {
    Vec one[2], two[2], above[2], below[2];
    for (int v = 0; v < 2; ++v) {
      const std::int64_t at = i + v * lanes;
      one[v] = load_vec(rows[middle] + at) * taps[middle];
      two[v] = load_vec(rows[middle + 1] + at) * taps[middle];
      above[v] = load_vec(rows[0] + at);
      below[v] = load_vec(rows[kernel.count] + at);
    }
    for (std::int64_t k = 0; k < middle; ++k) {
      for (int v = 0; v < 2; ++v) {
        const std::int64_t at = i + v * lanes;
        const Vec above_two = load_vec(rows[k + 1] + at), below_one = load_vec(rows[kernel.count - 1 - k] + at);
        one[v] += (above[v] + below_one) * taps[k];
        two[v] += (above_two + below[v]) * taps[k];
        above[v] = above_two;
        below[v] = below_one;
      }
    }
    for (int v = 0; v < 2; ++v) {
      store_vec(first + i + v * lanes, one[v]);
      store_vec(second + i + v * lanes, two[v]);
    }
  }
  const auto load = [](const float* p) { return *p; };
  for (; i < n; ++i) {
    first[i] = weighted<true, float>(rows, kernel, i, load);
    second[i] = weighted<true, float>(rows + 1, kernel, i, load);
  }
}

#if defined(COVARY_ENGINE_AVX2)

// The same sums, stored as bytes at once.
template <bool Mirrored>
inline void weighted_bytes(const float* const* rows, const Kernel& kernel, std::int64_t n, std::uint8_t* to) {
  std::int64_t i = 0;
  for (; i + 32 <= n; i += 32) {
    const auto load = [](const float* p) -> FourVecs { return {{load_vec(p), load_vec(p + 8), load_vec(p + 16), load_vec(p + 24)}}; };
    const FourVecs sum = weighted<Mirrored, FourVecs>(rows, kernel, i, load);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to + i), narrow16(sum.v[0], sum.v[1]));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to + i + 16), narrow16(sum.v[2], sum.v[3]));
  }
  for (; i < n; ++i) to[i] = narrow<std::uint8_t>(weighted<Mirrored, float>(rows, kernel, i, [](const float* p) { return *p; }));
}

#endif

template <class T>
struct Filtered final : Fetcher {
  Picture in;
  Kernel ky, kx;
  Kernel full;                    // of a kernel that is not separable: its taps other than 0, row by row
  std::int64_t* place = nullptr;  // where each of them lies: row * kx.count + column
  std::int64_t run;             // values in a row
  std::int64_t padded;          // with what the horizontal taps reach
  std::int64_t margin;
  float* ring;                  // padded float rows: one more than the vertical taps need, for two sums at once
  std::int64_t ring_rows;
  std::int64_t* ring_row;
  float* columns[2];            // padded rows: the vertical sums of a row and of the next one
  std::int64_t next = -1;       // which row the second of them is of
  float* result;
  const float** rows;           // the rows, or shifted starts, that a sum goes over

  Filtered(const Picture& picture, const Filter& filter, std::int64_t b, Scratch& scratch) : in(picture) {
    if (filter.kind == Filter::Kind::separable) {
      ky = trimmed(&filter.y[static_cast<std::size_t>(b * filter.taps_y)], filter.taps_y, scratch);
      kx = trimmed(&filter.x[static_cast<std::size_t>(b * filter.taps_x)], filter.taps_x, scratch);
    } else {
      const std::int64_t n = filter.taps_y * filter.taps_x;
      ky.count = filter.taps_y;
      kx.count = filter.taps_x;
      ky.reach = ky.count / 2;
      kx.reach = kx.count / 2;
      gather_taps(&filter.full[static_cast<std::size_t>(b * n)], n, scratch);
    }
    run = in.width * in.channels;
    margin = kx.reach * in.channels;
    padded = run + 2 * margin;
    ring_rows = ky.count + 1;
    const auto lines = static_cast<std::size_t>(ring_rows + 3);
    auto* memory = static_cast<float*>(scratch.get(Scratch::cache, sizeof(float) * lines * static_cast<std::size_t>(padded)));
    ring = memory;
    columns[0] = memory + ring_rows * padded;
    columns[1] = columns[0] + padded;
    result = columns[1] + padded;
    ring_row = static_cast<std::int64_t*>(scratch.piece(sizeof(std::int64_t) * static_cast<std::size_t>(ring_rows)));
    for (std::int64_t i = 0; i < ring_rows; ++i) ring_row[i] = -1;
    rows = static_cast<const float**>(scratch.piece(sizeof(float*) * static_cast<std::size_t>(std::max({ring_rows, kx.count, full.count}))));
  }

  void gather_taps(const double* taps, std::int64_t n, Scratch& scratch) {
    const float* all = floats_of(taps, n, scratch);
    auto* kept = static_cast<float*>(scratch.piece(sizeof(float) * static_cast<std::size_t>(n)));
    place = static_cast<std::int64_t*>(scratch.piece(sizeof(std::int64_t) * static_cast<std::size_t>(n)));
    full.count = 0;
    for (std::int64_t i = 0; i < n; ++i) {
      if (all[i] == 0.0F && !(full.count == 0 && i == n - 1)) continue;  // a sum has one term at least
      kept[full.count] = all[i];
      place[full.count++] = i;
    }
    full.taps = kept;
    full.mirrored = full.count % 2 == 1;
    for (std::int64_t i = 0; i < full.count; ++i) full.mirrored = full.mirrored && kept[i] == kept[full.count - 1 - i];
  }

  void pad(float* row) const { pad_mirrored(row + margin, in.width, in.channels, kx.reach); }

  // Source row y as floats, converted once while it stays in the ring.
  const float* source_row(std::int64_t y) {
    const std::int64_t slot = y % ring_rows;
    float* row = ring + slot * padded;
    if (ring_row[slot] != y) {
      ring_row[slot] = y;
      const T* COVARY_RESTRICT from = reinterpret_cast<const T*>(in.data) + y * run;
      float* COVARY_RESTRICT to = row + margin;
      for (std::int64_t i = 0; i < run; ++i) to[i] = static_cast<float>(from[i]);
      if (place != nullptr) pad(row);
    }
    return row;
  }

  const float* filter_row(std::int64_t y) {
    if (place != nullptr) {
      point(y);
      weighted_rows(rows, full, run, result);
      return result;
    }
    weigh_down(y);
    weighted_rows(rows, kx, run, result);
    return result;
  }

  // The vertical sum; `rows` then points to its shifted starts.
  void weigh_down(std::int64_t y) {
    float* column = columns[y == next ? 1 : 0];
    if (y != next) {
      const bool two = ky.mirrored && y + 1 < in.height;
      for (std::int64_t j = 0; j < ky.count + (two ? 1 : 0); ++j)
        rows[j] = source_row(border_index(y + j - ky.reach, in.height, Border::reflect)) + margin;
      if (two) {
        weighted_pair(rows, ky, run, columns[0] + margin, columns[1] + margin);
        pad(columns[1]);
        next = y + 1;
      } else {
        weighted_rows(rows, ky, run, column + margin);
      }
      pad(column);
    }
    for (std::int64_t k = 0; k < kx.count; ++k) rows[k] = column + k * in.channels;
  }

  // `rows` points to where the sum of each tap of a full kernel begins.
  void point(std::int64_t y) {
    std::int64_t line = -1;
    const float* row = nullptr;
    for (std::int64_t t = 0; t < full.count; ++t) {
      const std::int64_t j = place[t] / kx.count;
      if (j != line) row = source_row(border_index(y + j - ky.reach, in.height, Border::reflect));
      line = j;
      rows[t] = row + place[t] % kx.count * in.channels;
    }
  }

  // A whole row without further changes of value.
  void store(std::int64_t y, T* to) {
#if defined(COVARY_ENGINE_AVX2)
    if constexpr (std::is_same_v<T, std::uint8_t>) {
      if (place != nullptr) {
        point(y);
      } else {
        weigh_down(y);
      }
      const Kernel& kernel = place != nullptr ? full : kx;
      return kernel.mirrored ? weighted_bytes<true>(rows, kernel, run, to) : weighted_bytes<false>(rows, kernel, run, to);
    }
#endif
    narrow_run(filter_row(y), run, to);
  }

  bool fetch(std::int64_t y, Planes row, float* /*coverage*/) override {
    widen_row(filter_row(y), in.width, in.channels, row);
    return false;
  }
};

}  // namespace covary::COVARY_ENGINE
