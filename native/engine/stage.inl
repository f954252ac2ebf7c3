// One sample through one stage, and through all of them.
namespace covary::COVARY_ENGINE {

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

// Where nothing moves, changes of value have ways of their own; false where none of them fits.
inline bool changed_in_place(const Picture& in, Steps& steps, const Picture& out, const RawType& raw, Scratch& scratch) {
  return selected(in, steps, out, scratch) || scaled_values(in, steps, out, scratch) || tabulated(in, steps, out, scratch) ||
         mixed(in, steps, out, scratch) || mixed_and_tabulated(in, steps, out, scratch) || erased(in, steps, out, raw, scratch);
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
  if (g.form == Form::none && changed_in_place(in, steps, out, program.raw, scratch)) return;
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
