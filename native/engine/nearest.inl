// Nearest sampling through any geometry, for elements of any type.
namespace covary::COVARY_ENGINE {

// The centres of a chunk's pixels, as seen from its left edge.
struct Centres {
  alignas(64) double at[chunk];

  constexpr Centres() : at{} {
    for (int i = 0; i < chunk; ++i) at[i] = static_cast<double>(i) + 0.5;
  }
};
constexpr Centres centres;

// An affine map of the plane, whose positions along a row lie between those of its ends, rounding included.
struct Line {
  const double* m;
  std::int64_t height;
  std::int64_t width;

  // Whether the pixels x0 .. x0 + n of row y all come from inside the source, or from no more than `beyond` of its own
  // lengths (a hair less) beyond its edges.
  bool inside(std::int64_t y, std::int64_t x0, int n, double beyond) const {
    const double low_x = beyond * (1.0 - static_cast<double>(width));
    const double low_y = beyond * (1.0 - static_cast<double>(height));
    for (const int i : {0, n - 1}) {
      const double px = static_cast<double>(x0) + (static_cast<double>(i) + 0.5);
      const double py = static_cast<double>(y) + 0.5;
      const double x = m[0] * px + m[1] * py + m[2];
      const double v = m[3] * px + m[4] * py + m[5];
      if (!(x >= low_x && x < static_cast<double>(width) - low_x && v >= low_y && v < static_cast<double>(height) - low_y))
        return false;
    }
    return true;
  }

  // The pixels' numbers in the source, of those that are inside. The same arithmetic as in `positions`.
  void indices(std::int64_t y, std::int64_t x0, int n, std::int32_t* COVARY_RESTRICT at) const {
    const auto left = static_cast<double>(x0);
    const double py = static_cast<double>(y) + 0.5;
    const auto stride = static_cast<std::int32_t>(width);
    for (int i = 0; i < n; ++i) {
      const double px = left + centres.at[i];
      const auto column = static_cast<std::int32_t>(m[0] * px + m[1] * py + m[2]);
      const auto row = static_cast<std::int32_t>(m[3] * px + m[4] * py + m[5]);
      at[i] = row * stride + column;
    }
  }

  // The same for pixels that may come from just beyond the source: `fold` brings an index onto its axis, and `outside`
  // says which pixels needed it.
  template <class Fold>
  void folded(std::int64_t y, std::int64_t x0, int n, Fold fold, std::int32_t* COVARY_RESTRICT at,
              std::int32_t* COVARY_RESTRICT outside) const {
    const auto left = static_cast<double>(x0);
    const double py = static_cast<double>(y) + 0.5;
    const auto stride = static_cast<std::int32_t>(width);
    const auto last_x = static_cast<std::int32_t>(width - 1);
    const auto last_y = static_cast<std::int32_t>(height - 1);
    for (int i = 0; i < n; ++i) {
      const double px = left + centres.at[i];
      const std::int32_t column = floor_int(m[0] * px + m[1] * py + m[2]);
      const std::int32_t row = floor_int(m[3] * px + m[4] * py + m[5]);
      const std::int32_t x = fold(column, last_x);
      const std::int32_t v = fold(row, last_y);
      outside[i] = (x ^ column) | (v ^ row);
      at[i] = v * stride + x;
    }
  }

  void folded(std::int64_t y, std::int64_t x0, int n, Border border, std::int32_t* at, std::int32_t* outside) const {
    const auto magnitude = [](std::int32_t value) { return value < 0 ? -value : value; };
    switch (border) {
      case Border::reflect:
        folded(y, x0, n, [&](std::int32_t i, std::int32_t last) { return last - magnitude(last - magnitude(i)); }, at, outside);
        break;
      case Border::symmetric:
        folded(y, x0, n, [&](std::int32_t i, std::int32_t last) {
          const std::int32_t up = i < 0 ? -1 - i : i;
          return up > last ? 2 * last + 1 - up : up;
        }, at, outside);
        break;
      case Border::wrap:
        folded(y, x0, n, [&](std::int32_t i, std::int32_t last) {
          const std::int32_t up = i < 0 ? i + last + 1 : i;
          return up > last ? up - last - 1 : up;
        }, at, outside);
        break;
      default:
        folded(y, x0, n, [&](std::int32_t i, std::int32_t last) { return std::min(std::max(i, 0), last); }, at, outside);
    }
  }
};

// Whether `Line` says all of a geometry.
inline bool is_line(const Geometry& g, const Picture& in) {
  if (g.count != 1 || !g.links[0].warp || g.scale_x != 1.0 || g.scale_y != 1.0) return false;
  const double* m = g.links[0].m;
  return m[6] == 0.0 && m[7] == 0.0 && m[8] == 1.0 && in.height * in.width <= std::numeric_limits<std::int32_t>::max();
}

// Pixels by nearest sampling through any geometry.
template <class Size>
struct Nearest {
  const Picture& in;
  Picture& out;
  const Geometry& g;
  Border border;
  const std::uint8_t* paint;
  Ramp& ramp;
  Size pixel;
  bool straight = is_line(g, in);
  Line line{straight ? g.links[0].m : nullptr, in.height, in.width};

  // The pixels from .. end of row y.
  void run(std::int64_t y, std::int64_t from, std::int64_t end, std::uint8_t* target) {
    alignas(32) double px[chunk];
    alignas(32) double py[chunk];
    alignas(32) std::int32_t at_x[chunk];
    alignas(32) std::int32_t at_y[chunk];
    bool lost[chunk];
    bool outside[chunk];
    const auto size = static_cast<std::int64_t>(pixel.size());
    const std::int64_t width = in.width;
    // What is written may be anything, for all the compiler knows: it would read these again for every pixel.
    const std::uint8_t* const source = in.data;
    const std::uint8_t* const painted = paint;
    for (std::int64_t x0 = from; x0 < end; x0 += chunk) {
      const int n = static_cast<int>(std::min<std::int64_t>(chunk, end - x0));
      if (straight && line.inside(y, x0, n, 0.0)) {
        line.indices(y, x0, n, at_x);
        int i = 0;
        for (; i + 4 <= n; i += 4, target += 4 * size) {
          const std::int64_t a = at_x[i] * size, b = at_x[i + 1] * size, c = at_x[i + 2] * size, d = at_x[i + 3] * size;
          std::memcpy(target, source + a, pixel.size());
          std::memcpy(target + size, source + b, pixel.size());
          std::memcpy(target + 2 * size, source + c, pixel.size());
          std::memcpy(target + 3 * size, source + d, pixel.size());
        }
        for (; i < n; ++i, target += size) std::memcpy(target, source + at_x[i] * size, pixel.size());
        continue;
      }
      if (straight && line.inside(y, x0, n, 1.0)) {
        line.folded(y, x0, n, border, at_x, at_y);
        for (int i = 0; i < n; ++i, target += pixel.size()) {
          const std::uint8_t* shown = painted != nullptr && at_y[i] != 0 ? painted : source + at_x[i] * size;
          std::memcpy(target, shown, pixel.size());
        }
        continue;
      }
      positions(g, ramp, y, x0, n, px, py);
      const bool near = all_near(px, py, n);
      if (!near) {
        for (int i = 0; i < n; ++i) lost[i] = !is_near(px[i]) || !is_near(py[i]);
        for (int i = 0; i < n; ++i)
          if (lost[i]) px[i] = py[i] = 0.0;
      }
      std::uint32_t most_x = 0;
      std::uint32_t most_y = 0;
      for (int i = 0; i < n; ++i) {
        at_x[i] = floor_int(px[i]);
        at_y[i] = floor_int(py[i]);
        most_x = std::max(most_x, static_cast<std::uint32_t>(at_x[i]));
        most_y = std::max(most_y, static_cast<std::uint32_t>(at_y[i]));
      }
      const bool inside = most_x < in.width && most_y < in.height;
      if (!inside) {
        if (painted != nullptr)
          for (int i = 0; i < n; ++i)
            outside[i] = static_cast<std::uint32_t>(at_x[i]) >= in.width || static_cast<std::uint32_t>(at_y[i]) >= in.height;
        border_indices(at_x, n, in.width, border);
        border_indices(at_y, n, in.height, border);
      }
      std::uint8_t* pixels = target;
      for (int i = 0; i < n; ++i, target += pixel.size())
        std::memcpy(target, source + (at_y[i] * width + at_x[i]) * size, pixel.size());
      if (painted == nullptr || (inside && near)) continue;
      for (int i = 0; i < n; ++i)
        if ((!inside && outside[i]) || (!near && lost[i])) std::memcpy(pixels + i * size, painted, pixel.size());
    }
  }

  void picture(Scratch& scratch) {
    std::int64_t y = 0;
    if (straight && Tiles::take(line.m, in, out)) y = tiled(scratch);
    for (; y < out.height; ++y) run(y, 0, out.width, out.data + y * out.row_size());
  }

  // As many rows as can be made in tiles; returns how many.
  std::int64_t tiled(Scratch& scratch) {
    // Rows are put together first, and written from start to end.
    const std::int64_t width = out.width;
    auto* rows = static_cast<std::uint8_t*>(scratch.piece(static_cast<std::size_t>(tile_side * width)));
    Tiles tiles(line.m, in, out, border, paint);
    Writer writer(out);
    std::int64_t y = 0;
    for (; y + tile_side <= out.height; y += tile_side) {
      tiles.ask(y, y + 4 * tile_side);
      const auto rest = [&](std::int64_t from, std::int64_t end) {
        for (int j = 0; from < end && j < tile_side; ++j) run(y + j, from, end, rows + j * width + from);
      };
      std::int64_t done = 0;
      for (std::int64_t x = 0; x + tile_side <= width; x += tile_side) {
        const std::int64_t end = tiles.render(x, y, rows);
        if (end == x) continue;
        rest(done, x);
        x = done = end;
      }
      rest(done, width);
      for (int j = 0; j < tile_side; ++j) writer.write(rows + j * width, width);
    }
    return y;
  }
};

}  // namespace covary::COVARY_ENGINE
