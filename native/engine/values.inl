// Changes of value, applied to one planar row at a time.
namespace covary::COVARY_ENGINE {

struct ShadeRow;

struct Step {
  Value::Kind kind = Value::Kind::fill;
  const Value* value = nullptr;
  std::int64_t sample = 0;
  enum class Shape : std::uint8_t { diagonal, full } shape = Shape::full;
  const double* exact = nullptr;  // colour matrix in float64, C * (C + 1)
  const double* pivot = nullptr;  // not yet measured
  const float* matrix = nullptr;
  const float* colour = nullptr;
  const float* table = nullptr;
  const ShadeRow* shade = nullptr;
  float mean = 0;
  const float* quantile = nullptr;  // 3 x 16 coefficients of the normal quantile, times the deviation
  Signal signal;
  float white_below = 0, change_below = 0;
  std::uint64_t stream = 0;
};

struct Steps {
  Step* steps = nullptr;
  std::int64_t count = 0;
  std::int64_t channels = 0;
  std::int64_t height = 0, width = 0;
  Element element = Element::u8;  // of the source: its white, and how curves are looked up
  float* temporary = nullptr;  // width values and a chunk's worth for each channel

  bool needs_coverage() const {
    for (std::int64_t k = 0; k < count; ++k)
      if (steps[k].kind == Value::Kind::fill) return true;
    return false;
  }
};

inline const ShadeRow* shade_of(const Grid& grid, std::int64_t n, Scratch& scratch);

inline const float* floats_of(const double* values, std::int64_t n, Scratch& scratch) {
  auto* out = static_cast<float*>(scratch.piece(sizeof(float) * static_cast<std::size_t>(n)));
  for (std::int64_t i = 0; i < n; ++i) out[i] = static_cast<float>(values[i]);
  return out;
}

// The steps that touch this sample, without their measured parts.
inline Steps steps_of(const Stage& stage, std::int64_t b, std::int64_t channels, Element element, const float* gaussian,
                      Scratch& scratch) {
  Steps all;
  all.channels = channels;
  all.element = element;
  all.height = stage.size[2 * b];
  all.width = stage.size[2 * b + 1];
  if (stage.values.empty()) return all;
  auto* steps = static_cast<Step*>(scratch.piece(sizeof(Step) * stage.values.size()));
  all.steps = steps;
  for (const Value& value : stage.values) {
    if (!value.active.empty() && value.active[b] == 0) continue;
    Step step;
    step.kind = value.kind;
    step.value = &value;
    step.sample = b;
    if (!value.stream.empty()) step.stream = value.stream[b];
    switch (value.kind) {
      case Value::Kind::colour:
        step.exact = &value.matrix[b * channels * (channels + 1)];
        if (!value.pivot.empty()) step.pivot = &value.pivot[b * channels];
        break;
      case Value::Kind::curve:
        step.table = value.tables[static_cast<std::size_t>(b)];
        break;
      case Value::Kind::shade:
        step.shade = shade_of(value.shades[static_cast<std::size_t>(b)], all.width, scratch);
        break;
      case Value::Kind::gaussian:
        step.mean = static_cast<float>(value.mean[b]);
        step.quantile = scaled_quantile(gaussian, static_cast<float>(value.scale[b]), scratch);
        break;
      case Value::Kind::signal:
        step.quantile = gaussian;
        step.signal.model = value.model;
        step.signal.variance = static_cast<float>(value.variance[b]);
        step.signal.slope = static_cast<float>(value.slope[b]);
        step.signal.gain = static_cast<float>(value.gain[b]);
        step.signal.law = value.law == nullptr ? nullptr : value.law + b * 6 * 16;
        if (value.model == Value::Model::counts && !(step.signal.slope > 0.0F)) continue;
        if (step.signal.variance == 0.0F && step.signal.slope == 0.0F && step.signal.gain == 0.0F) continue;
        if (value.model == Value::Model::magnitude)
          step.signal.beside = static_cast<float*>(scratch.piece(sizeof(float) * static_cast<std::size_t>(all.width + 2 * chunk)));
        break;
      case Value::Kind::impulses:
        if (!value.colour.empty()) step.colour = floats_of(&value.colour[b * channels], channels, scratch);
        step.white_below = static_cast<float>(value.amount[b] * value.salt[b]);
        step.change_below = static_cast<float>(value.amount[b]);
        break;
      case Value::Kind::erase:
        if (value.count[b] == 0) continue;
        if (!value.noise) step.colour = floats_of(&value.colour[b * channels], channels, scratch);
        break;
      case Value::Kind::fill:
        step.colour = floats_of(&value.colour[b * channels], channels, scratch);
        break;
    }
    steps[all.count++] = step;
  }
  return all;
}

// `pivot * mean` becomes part of the matrix.
inline void settle_pivot(Step& step, std::int64_t channels, double mean, Scratch& scratch) {
  const std::int64_t n = channels * (channels + 1);
  auto* matrix = static_cast<double*>(scratch.piece(sizeof(double) * static_cast<std::size_t>(n)));
  std::memcpy(matrix, step.exact, sizeof(double) * static_cast<std::size_t>(n));
  for (std::int64_t c = 0; c < channels; ++c) matrix[c * (channels + 1) + channels] += step.pivot[c] * mean;
  step.exact = matrix;
  step.pivot = nullptr;
}

// Neighbouring colour matrices become their product; then all are rounded to float32 once.
inline void merge_colours(Steps& all, Scratch& scratch) {
  const std::int64_t channels = all.channels;
  const std::int64_t columns = channels + 1;
  std::int64_t kept = 0;
  for (std::int64_t k = 0; k < all.count; ++k) {
    Step step = all.steps[k];
    if (step.kind == Value::Kind::colour && kept > 0 && all.steps[kept - 1].kind == Value::Kind::colour) {
      const double* first = all.steps[kept - 1].exact;
      auto* product = static_cast<double*>(scratch.piece(sizeof(double) * static_cast<std::size_t>(channels * columns)));
      for (std::int64_t i = 0; i < channels; ++i) {
        for (std::int64_t j = 0; j < columns; ++j) {
          double sum = j == channels ? step.exact[i * columns + channels] : 0.0;
          for (std::int64_t c = 0; c < channels; ++c) sum += step.exact[i * columns + c] * first[c * columns + j];
          product[i * columns + j] = sum;
        }
      }
      all.steps[kept - 1].exact = product;
      continue;
    }
    all.steps[kept++] = step;
  }
  all.count = kept;
  for (std::int64_t k = 0; k < kept; ++k) {
    Step& step = all.steps[k];
    if (step.kind != Value::Kind::colour) continue;
    step.matrix = floats_of(step.exact, channels * columns, scratch);
    step.shape = Step::Shape::diagonal;
    for (std::int64_t i = 0; i < channels; ++i)
      for (std::int64_t j = 0; j < channels; ++j)
        if (i != j && step.matrix[i * columns + j] != 0.0F) step.shape = Step::Shape::full;
  }
}

inline void colour_row(const Step& step, std::int64_t channels, std::int64_t n, Planes row, float* temporary) {
  const float* m = step.matrix;
  const std::int64_t columns = channels + 1;
  if (step.shape == Step::Shape::diagonal) {
    for (std::int64_t c = 0; c < channels; ++c) {
      const float gain = m[c * columns + c];
      const float offset = m[c * columns + channels];
      if (gain == 1.0F && offset == 0.0F) continue;
      float* COVARY_RESTRICT v = row[c];
      for (std::int64_t x = 0; x < n; ++x) v[x] = gain * v[x] + offset;
    }
    return;
  }
  if (channels == 3) {
    float* COVARY_RESTRICT r = row[0];
    float* COVARY_RESTRICT g = row[1];
    float* COVARY_RESTRICT b = row[2];
    const float m00 = m[0], m01 = m[1], m02 = m[2], m03 = m[3];
    const float m10 = m[4], m11 = m[5], m12 = m[6], m13 = m[7];
    const float m20 = m[8], m21 = m[9], m22 = m[10], m23 = m[11];
    for (std::int64_t x = 0; x < n; ++x) {
      const float vr = r[x], vg = g[x], vb = b[x];
      r[x] = ((m00 * vr + m01 * vg) + m02 * vb) + m03;
      g[x] = ((m10 * vr + m11 * vg) + m12 * vb) + m13;
      b[x] = ((m20 * vr + m21 * vg) + m22 * vb) + m23;
    }
    return;
  }
  for (std::int64_t x0 = 0; x0 < n; x0 += chunk) {
    const int count = n - x0 < chunk ? static_cast<int>(n - x0) : chunk;
    for (std::int64_t c = 0; c < channels; ++c)
      std::memcpy(temporary + c * chunk, row[c] + x0, sizeof(float) * static_cast<std::size_t>(count));
    for (std::int64_t i = 0; i < channels; ++i) {
      float* COVARY_RESTRICT v = row[i] + x0;
      for (int x = 0; x < count; ++x) v[x] = m[i * columns + channels];
      for (std::int64_t c = 0; c < channels; ++c) {
        const float gain = m[i * columns + c];
        const float* COVARY_RESTRICT from = temporary + c * chunk;
        for (int x = 0; x < count; ++x) v[x] += gain * from[x];
      }
    }
  }
}

// Integer pictures: the nearest level's entry. Float pictures: linear between the two entries around.
inline void curve_row(const Step& step, Element element, std::int64_t channels, std::int64_t n, Planes row) {
  const std::int64_t length = step.value->table_length;
  for (std::int64_t c = 0; c < channels; ++c) {
    const float* table = step.table + (step.value->table_channels == 1 ? 0 : c * length);
    float* v = row[c];
    const float last = static_cast<float>(length - 1);
    for (std::int64_t x0 = 0; x0 < n; x0 += chunk) {
      const int count = n - x0 < chunk ? static_cast<int>(n - x0) : chunk;
      alignas(32) std::int32_t index[chunk];
      float* w = v + x0;
      if (element == Element::f32) {
        alignas(32) float fraction[chunk];
        for (int x = 0; x < count; ++x) {
          const float position = clip(w[x], 0.0F, 1.0F) * last;
          const auto below = static_cast<std::int32_t>(position);
          index[x] = below;
          fraction[x] = position - static_cast<float>(below);
        }
        for (int x = 0; x < count; ++x) {
          const float a = table[index[x]];
          const float b = table[index[x] + (index[x] < length - 1 ? 1 : 0)];
          w[x] = a + fraction[x] * (b - a);
        }
      } else {
        for (int x = 0; x < count; ++x) index[x] = round_even(clip(w[x], 0.0F, last));
        for (int x = 0; x < count; ++x) w[x] = table[index[x]];
      }
    }
  }
}

// Where the centre of pixel `i` of `n` lies among `knots` knots: the knot before it, and how far behind that it is.
struct Between {
  std::int64_t knot;
  float part;
};

inline Between between(std::int64_t i, std::int64_t n, std::int64_t knots) {
  if (knots == 1) return {0, 0.0F};
  const double place = (static_cast<double>(i) + 0.5) * (static_cast<double>(knots - 1) / static_cast<double>(n));
  const auto before = std::min(static_cast<std::int64_t>(place), knots - 2);
  return {before, static_cast<float>(place - static_cast<double>(before))};
}

// A shade of one sample: what is the same in all of its rows, and room for what is not.
struct ShadeRow {
  const Grid* grid = nullptr;
  bool gains = false, offsets = false;  // whether there are any but 1 and 0
  std::int32_t* ends = nullptr;         // for each cell of the grid the first pixel behind it
  float* parts = nullptr;               // how far behind the knot before it each pixel is
  float* knots = nullptr;               // gain and offset of every channel, for each column of the grid, at one row
  float* along = nullptr;               // gain and offset of one channel at every pixel of a row
};

inline const ShadeRow* shade_of(const Grid& grid, std::int64_t n, Scratch& scratch) {
  const auto room = [&](std::int64_t count) { return scratch.piece(4 * static_cast<std::size_t>(count)); };
  auto* shade = static_cast<ShadeRow*>(scratch.piece(sizeof(ShadeRow)));
  *shade = ShadeRow{};
  shade->grid = &grid;
  const std::int64_t series = 2 * grid.channels;
  for (std::int64_t k = 0; k < grid.rows * grid.columns; ++k) {
    for (std::int64_t c = 0; c < grid.channels; ++c) {
      shade->gains = shade->gains || grid.knots[k * series + c] != 1.0F;
      shade->offsets = shade->offsets || grid.knots[k * series + grid.channels + c] != 0.0F;
    }
  }
  const std::int64_t cells = std::max<std::int64_t>(grid.columns - 1, 1);
  shade->ends = static_cast<std::int32_t*>(room(cells));
  shade->parts = static_cast<float*>(room(n));
  shade->knots = static_cast<float*>(room(series * grid.columns));
  shade->along = static_cast<float*>(room(2 * n));
  std::int64_t cell = 0;
  for (std::int64_t x = 0; x < n; ++x) {
    const Between at = between(x, n, grid.columns);
    for (; cell < at.knot; ++cell) shade->ends[cell] = static_cast<std::int32_t>(x);
    shade->parts[x] = at.part;
  }
  for (; cell < cells; ++cell) shade->ends[cell] = static_cast<std::int32_t>(n);
  return shade;
}

// One of the rows of knots, spread over the pixels.
inline void spread(const ShadeRow& shade, std::int64_t first, float* COVARY_RESTRICT out) {
  const std::int64_t columns = shade.grid->columns, stride = 2 * shade.grid->channels;
  const float* COVARY_RESTRICT parts = shade.parts;
  const float* knot = shade.knots + first;
  std::int64_t x = 0;
  for (std::int64_t cell = 0; cell < std::max<std::int64_t>(columns - 1, 1); ++cell, knot += stride) {
    const float a = knot[0];
    const float step = columns == 1 ? 0.0F : knot[stride] - a;
    const std::int64_t end = shade.ends[cell];
    for (; x < end; ++x) out[x] = a + parts[x] * step;
  }
}

inline void shade_row(const Step& step, const Steps& all, std::int64_t y, Planes row) {
  const ShadeRow& shade = *step.shade;
  const Grid& grid = *shade.grid;
  const std::int64_t series = 2 * grid.channels;
  const Between at = between(y, all.height, grid.rows);
  const float* COVARY_RESTRICT above = grid.knots + at.knot * grid.columns * series;
  const float* COVARY_RESTRICT below = grid.rows == 1 ? above : above + grid.columns * series;
  float* COVARY_RESTRICT knots = shade.knots;
  for (std::int64_t i = 0; i < grid.columns * series; ++i) knots[i] = above[i] + at.part * (below[i] - above[i]);
  bool idle = true;
  for (std::int64_t k = 0; k < grid.columns && idle; ++k)
    for (std::int64_t c = 0; c < grid.channels && idle; ++c)
      idle = knots[k * series + c] == 1.0F && knots[k * series + grid.channels + c] == 0.0F;
  if (idle) return;
  const std::int64_t n = all.width;
  const float* COVARY_RESTRICT gain = shade.along;
  const float* COVARY_RESTRICT offset = shade.along + n;
  for (std::int64_t c = 0; c < all.channels; ++c) {
    if (c < grid.channels && shade.gains) spread(shade, c, shade.along);
    if (c < grid.channels && shade.offsets) spread(shade, grid.channels + c, shade.along + n);
    float* COVARY_RESTRICT v = row[c];
    if (shade.gains && shade.offsets) {
      for (std::int64_t x = 0; x < n; ++x) v[x] = v[x] * gain[x] + offset[x];
    } else if (shade.gains) {
      for (std::int64_t x = 0; x < n; ++x) v[x] *= gain[x];
    } else if (shade.offsets) {
      for (std::int64_t x = 0; x < n; ++x) v[x] += offset[x];
    }
  }
}

inline void impulses_row(const Step& step, float white, std::int64_t channels, std::int64_t y, std::int64_t n, Planes row) {
  const auto numbers_of = [&](std::int64_t c, std::uint32_t tag) {
    return NoiseRow{step.stream, static_cast<std::uint32_t>(y), static_cast<std::uint32_t>(c), tag};
  };
  alignas(32) std::int32_t q[chunk];
  alignas(32) std::int32_t any[chunk];
  for (std::int64_t x0 = 0; x0 < n; x0 += chunk) {
    const int count = n - x0 < chunk ? static_cast<int>(n - x0) : chunk;
    for (std::int64_t c = 0; c < channels; ++c) {
      if (c == 0 || step.value->per_channel) noise_numbers(numbers_of(c, tag_impulses), x0 / chunk, q);
      float* COVARY_RESTRICT v = row[c] + x0;
      const float other = step.colour == nullptr ? 0.0F : step.colour[c];
      if (step.value->noise) noise_numbers(numbers_of(c, tag_erase), x0 / chunk, any);
      for (int x = 0; x < count; ++x) {
        const float u = (static_cast<float>(q[x]) + 0.5F) * (1.0F / 65536.0F);
        const float pepper = step.value->noise ? static_cast<float>(any[x]) * white / 65535.0F : other;
        const float changed = u < step.white_below ? white : pepper;
        v[x] = u < step.white_below || u < step.change_below ? changed : v[x];
      }
    }
  }
}

inline void erase_row(const Step& step, const Steps& all, float white, std::int64_t y, Planes row) {
  const Value& value = *step.value;
  const std::int64_t* rectangle = value.rectangles.data() + step.sample * value.rectangles_per_sample * 4;
  for (std::int64_t k = 0; k < value.count[step.sample]; ++k, rectangle += 4) {
    if (y < rectangle[1] || y >= rectangle[3]) continue;
    const std::int64_t from = rectangle[0] > 0 ? rectangle[0] : 0;
    const std::int64_t to = rectangle[2] < all.width ? rectangle[2] : all.width;
    if (from >= to) continue;
    for (std::int64_t c = 0; c < all.channels; ++c) {
      float* v = row[c];
      if (!value.noise) {
        for (std::int64_t x = from; x < to; ++x) v[x] = step.colour[c];
        continue;
      }
      const NoiseRow noise{step.stream, static_cast<std::uint32_t>(y), static_cast<std::uint32_t>(c), tag_erase};
      alignas(32) std::int32_t q[chunk];
      for (std::int64_t group = from / chunk; group * chunk < to; ++group) {
        noise_numbers(noise, group, q);
        const std::int64_t first = std::max(from, group * chunk);
        const std::int64_t end = std::min(to, (group + 1) * chunk);
        for (std::int64_t x = first; x < end; ++x) v[x] = static_cast<float>(q[x - group * chunk]) * white / 65535.0F;
      }
    }
  }
}

inline void fill_row(const Step& step, std::int64_t channels, std::int64_t n, Planes row, const float* COVARY_RESTRICT coverage) {
  for (std::int64_t c = 0; c < channels; ++c) {
    float* COVARY_RESTRICT v = row[c];
    const float colour = step.colour[c];
    for (std::int64_t x = 0; x < n; ++x) {
      const float painted = v[x] * coverage[x] + colour * (1.0F - coverage[x]);
      const float partly = coverage[x] > 0.0F ? painted : colour;  // what is not seen may be NaN
      v[x] = coverage[x] < 1.0F ? partly : v[x];
    }
  }
}

inline void gaussian_rows(const Step& step, const Steps& all, std::int64_t y, Planes row) {
  const NoiseRow first{step.stream, static_cast<std::uint32_t>(y), 0, tag_gaussian};
  if (step.value->per_channel) return gaussian_planes<Add>(first, all.channels, step.quantile, step.mean, all.width, row);
  gaussian_row<Put>(first, step.quantile, step.mean, all.width, all.temporary);
  const float* COVARY_RESTRICT z = all.temporary;
  for (std::int64_t c = 0; c < all.channels; ++c) {
    float* COVARY_RESTRICT v = row[c];
    for (std::int64_t x = 0; x < all.width; ++x) v[x] += z[x];
  }
}

// All steps on one row. `coverage` is null where the whole row lies inside the source.
inline void change_row(const Steps& all, std::int64_t y, Planes row, const float* coverage) {
  const float white = white_of(all.element);
  const std::int64_t n = all.width;
  for (std::int64_t k = 0; k < all.count; ++k) {
    const Step& step = all.steps[k];
    switch (step.kind) {
      case Value::Kind::colour:
        colour_row(step, all.channels, n, row, all.temporary);
        break;
      case Value::Kind::curve:
        curve_row(step, all.element, all.channels, n, row);
        break;
      case Value::Kind::shade:
        shade_row(step, all, y, row);
        break;
      case Value::Kind::gaussian:
        gaussian_rows(step, all, y, row);
        break;
      case Value::Kind::signal:
        for (std::int64_t c = 0; c < all.channels; ++c) {
          const NoiseRow noise{step.stream, static_cast<std::uint32_t>(y), static_cast<std::uint32_t>(c), tag_gaussian};
          if (c == 0 || step.value->per_channel) signal_numbers(step.signal, noise, step.quantile, n, all.temporary);
          const NoiseRow drawn = step.value->per_channel ? noise : NoiseRow{step.stream, static_cast<std::uint32_t>(y), 0, tag_gaussian};
          signal_row(step.signal, drawn, all.temporary, n, row[c]);
        }
        break;
      case Value::Kind::impulses:
        impulses_row(step, white, all.channels, y, n, row);
        break;
      case Value::Kind::erase:
        erase_row(step, all, white, y, row);
        break;
      case Value::Kind::fill:
        if (coverage != nullptr) fill_row(step, all.channels, n, row, coverage);
        break;
    }
  }
}

}  // namespace covary::COVARY_ENGINE
