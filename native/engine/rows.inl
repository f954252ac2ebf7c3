// A picture row by row: fetched into planes, changed there, and stored.
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

inline void render_rows(Fetcher& fetcher, Steps& steps, const Picture& out, Scratch& scratch) {
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

}  // namespace covary::COVARY_ENGINE
