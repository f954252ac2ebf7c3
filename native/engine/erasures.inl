// Pictures of which rectangles are painted over, with nothing else to be done.
namespace covary::COVARY_ENGINE {

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

// The picture is copied, and only the rows that a rectangle touches are made one by one.
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

}  // namespace covary::COVARY_ENGINE
