// Marks on planes of 8 bits: strokes with round ends, and smooth fields between knots.
#include <algorithm>
#include <cmath>
#include <optional>
#include <type_traits>
#include <vector>

#include <nanobind/stl/optional.h>

#include "picture.hpp"

namespace covary {

namespace {

using Plane = nb::ndarray<std::uint8_t, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using Floats = nb::ndarray<const float, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using Bytes = nb::ndarray<const std::uint8_t, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using Places = nb::ndarray<const std::int32_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Field = nb::ndarray<float, nb::ndim<2>, nb::c_contig, nb::device::cpu>;

// A stroke from (x0, y0) along (dx, dy): each pixel is covered by as much of `reach`, the radius plus a half, as its centre
// lies inside.
struct Stroke {
  float x0, y0, dx, dy, reach, scale;
  std::uint8_t strength, shade;
};

// The pixels from..to of a row, whose centres are py below the stroke's start.
void stroke_pixels(const Stroke& s, float py, std::int64_t from, std::int64_t to, std::uint8_t* alpha, std::uint8_t* light) {
  for (std::int64_t x = from; x < to; ++x) {
    const float px = static_cast<float>(x) + 0.5F - s.x0;
    float t = (px * s.dx + py * s.dy) * s.scale;
    t = t > 0.0F ? t : 0.0F;
    t = t < 1.0F ? t : 1.0F;
    const float ex = px - t * s.dx, ey = py - t * s.dy;
    float inside = s.reach - std::sqrt(ex * ex + ey * ey);
    inside = inside > 0.0F ? inside : 0.0F;
    inside = inside < 1.0F ? inside : 1.0F;
    const auto covered = static_cast<std::uint8_t>(inside * static_cast<float>(s.strength) + 0.5F);
    if (covered == 0 || covered < alpha[x]) continue;
    alpha[x] = covered;
    if (light != nullptr) light[x] = s.shade;
  }
}

#if defined(COVARY_PIXELS_AVX2)

// The same by eights, so long as `room` pixels of the picture are left; returns where the rest begins.
COVARY_PIXELS_AVX2 std::int64_t stroke_eights(const Stroke& s, float py, std::int64_t from, std::int64_t to, std::int64_t room,
                                              std::uint8_t* alpha, std::uint8_t* light) {
  const __m256 zero = _mm256_setzero_ps(), one = _mm256_set1_ps(1.0F), half = _mm256_set1_ps(0.5F);
  const __m256 dx = _mm256_set1_ps(s.dx), dy = _mm256_set1_ps(s.dy), below = _mm256_set1_ps(py);
  const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  std::int64_t x = from;
  for (; x < to && x + 8 <= room; x += 8) {
    const __m256i column = _mm256_add_epi32(_mm256_set1_epi32(static_cast<int>(x)), lane);
    const __m256 px = _mm256_sub_ps(_mm256_add_ps(_mm256_cvtepi32_ps(column), half), _mm256_set1_ps(s.x0));
    __m256 t = _mm256_add_ps(_mm256_mul_ps(px, dx), _mm256_mul_ps(below, dy));
    t = _mm256_min_ps(_mm256_max_ps(_mm256_mul_ps(t, _mm256_set1_ps(s.scale)), zero), one);
    const __m256 ex = _mm256_sub_ps(px, _mm256_mul_ps(t, dx)), ey = _mm256_sub_ps(below, _mm256_mul_ps(t, dy));
    const __m256 away = _mm256_sqrt_ps(_mm256_add_ps(_mm256_mul_ps(ex, ex), _mm256_mul_ps(ey, ey)));
    const __m256 inside = _mm256_min_ps(_mm256_max_ps(_mm256_sub_ps(_mm256_set1_ps(s.reach), away), zero), one);
    const __m256 strength = _mm256_set1_ps(static_cast<float>(s.strength));
    __m256i whole = _mm256_cvttps_epi32(_mm256_add_ps(_mm256_mul_ps(inside, strength), half));
    whole = _mm256_and_si256(whole, _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(to)), column));
    const __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(whole), _mm256_extracti128_si256(whole, 1));
    const __m128i covered = _mm_packus_epi16(words, words);
    const __m128i before = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(alpha + x));
    const __m128i most = _mm_max_epu8(before, covered);
    _mm_storel_epi64(reinterpret_cast<__m128i*>(alpha + x), most);
    if (light == nullptr) continue;
    const __m128i unseen = _mm_cmpeq_epi8(covered, _mm_setzero_si128());
    const __m128i seen = _mm_andnot_si128(unseen, _mm_cmpeq_epi8(most, covered));
    const __m128i shades = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(light + x));
    _mm_storel_epi64(reinterpret_cast<__m128i*>(light + x),
                     _mm_blendv_epi8(shades, _mm_set1_epi8(static_cast<char>(s.shade)), seen));
  }
  return x;
}

#endif

// One stroke x0, y0, x1, y1, radius.
void stroke(std::uint8_t* alpha, std::uint8_t* light, std::int64_t height, std::int64_t width, const float* from,
            std::uint8_t strength, std::uint8_t shade) {
  const float x0 = from[0], y0 = from[1], dx = from[2] - from[0], dy = from[3] - from[1], reach = from[4] + 0.5F;
  const float square = dx * dx + dy * dy;
  const Stroke own{x0, y0, dx, dy, reach, square > 0.0F ? 1.0F / square : 0.0F, strength, shade};
  const auto first = [&](float a, float d) { return std::max<std::int64_t>(static_cast<std::int64_t>(std::min(a, a + d) - reach - 1), 0); };
  const auto end = [&](float a, float d, std::int64_t limit) {
    return std::min<std::int64_t>(static_cast<std::int64_t>(std::max(a, a + d) + reach + 2), limit);
  };
  const std::int64_t left = first(x0, dx), right = end(x0, dx, width), bottom = end(y0, dy, height);
  const float across = std::fabs(dy) > 1e-3F ? dx / dy : 0.0F;
  const float half = std::fabs(dy) > 1e-3F ? reach * std::sqrt(square) / std::fabs(dy) + 0.6F : 1e9F;
#if defined(COVARY_PIXELS_AVX2)
  const bool eights = __builtin_cpu_supports("avx2") != 0;
#endif
  for (std::int64_t y = first(y0, dy); y < bottom; ++y) {
    const float py = static_cast<float>(y) + 0.5F - y0;
    // The line at this height, and what can be near it; beyond its ends their own discs.
    const float middle = x0 + std::clamp(py, std::min(dy, 0.0F), std::max(dy, 0.0F)) * across;
    const float low = std::max(middle - half, 0.0F), high = std::min(middle + half + 1, static_cast<float>(width));
    const std::int64_t stop = high > 0 ? std::min(right, static_cast<std::int64_t>(high)) : 0;
    std::int64_t x = std::max(left, low < static_cast<float>(width) ? static_cast<std::int64_t>(low) : width);
    std::uint8_t* row = alpha + y * width;
    std::uint8_t* lights = light == nullptr ? nullptr : light + y * width;
#if defined(COVARY_PIXELS_AVX2)
    if (eights) x = stroke_eights(own, py, x, stop, (height - y) * width, row, lights);
#endif
    stroke_pixels(own, py, x, stop, row, lights);
  }
}

}  // namespace

void add_marks(nb::module_& m) {
  m.def(
      "strokes",
      [](const Plane& alpha, const std::optional<Plane>& light, const Floats& lines, const Bytes& paint) {
        const auto height = static_cast<std::int64_t>(alpha.shape(0)), width = static_cast<std::int64_t>(alpha.shape(1));
        if (light.has_value() && (light->shape(0) != alpha.shape(0) || light->shape(1) != alpha.shape(1)))
          throw nb::value_error("light: not of alpha's size");
        const std::size_t count = lines.shape(0);
        if (lines.shape(1) != 5 || paint.shape(0) != count || paint.shape(1) != 2)
          throw nb::value_error("lines, paint: expected (N, 5) and (N, 2)");
        for (std::size_t i = 0; i < lines.size(); ++i)
          if (!(std::fabs(lines.data()[i]) < 1e6F)) throw nb::value_error("lines: too far away");
        std::uint8_t* a = alpha.data();
        std::uint8_t* l = light.has_value() ? light->data() : nullptr;
        const float* line = lines.data();
        const std::uint8_t* own = paint.data();
        const nb::gil_scoped_release released;
        for (std::size_t i = 0; i < count; ++i) stroke(a, l, height, width, line + 5 * i, own[2 * i], own[2 * i + 1]);
      },
      nb::arg("alpha").noconvert(), nb::arg("light").noconvert().none(), nb::arg("lines").noconvert(), nb::arg("paint").noconvert());
  m.def(
      "between_knots",
      [](const Floats& knots, const Places& down, const Floats& weights_down, const Places& across, const Floats& weights_across,
         const Field& field) {
        const auto height = static_cast<std::int64_t>(field.shape(0)), width = static_cast<std::int64_t>(field.shape(1));
        const auto rows = static_cast<std::int64_t>(knots.shape(0)), columns = static_cast<std::int64_t>(knots.shape(1));
        const auto fit = [](const Places& places, const Floats& weights, std::int64_t count, std::int64_t limit) {
          bool good = static_cast<std::int64_t>(places.shape(0)) == count &&
                      static_cast<std::int64_t>(weights.shape(1)) == count && weights.shape(0) == 4;
          for (std::int64_t i = 0; good && i < count; ++i) good = places.data()[i] >= 0 && places.data()[i] + 3 < limit;
          if (!good) throw nb::value_error("places, weights: do not fit the field and its knots");
        };
        fit(down, weights_down, height, rows);
        fit(across, weights_across, width, columns);
        const float *k = knots.data(), *wy = weights_down.data(), *wx = weights_across.data();
        const std::int32_t *iy = down.data(), *ix = across.data();
        float* out = field.data();
        const nb::gil_scoped_release released;
        std::vector<float> row(static_cast<std::size_t>(columns));
        for (std::int64_t y = 0; y < height; ++y) {
          const float* r = k + iy[y] * columns;
          const float a = wy[y], b = wy[height + y], c = wy[2 * height + y], d = wy[3 * height + y];
          for (std::int64_t x = 0; x < columns; ++x)
            row[static_cast<std::size_t>(x)] = ((r[x] * a + r[columns + x] * b) + r[2 * columns + x] * c) + r[3 * columns + x] * d;
          for (std::int64_t x = 0; x < width; ++x) {
            const float* s = row.data() + ix[x];
            out[y * width + x] = ((s[0] * wx[x] + s[1] * wx[width + x]) + s[2] * wx[2 * width + x]) + s[3] * wx[3 * width + x];
          }
        }
      },
      nb::arg("knots").noconvert(), nb::arg("down").noconvert(), nb::arg("weights_down").noconvert(), nb::arg("across").noconvert(),
      nb::arg("weights_across").noconvert(), nb::arg("field").noconvert());
  m.def(
      "repeat_places",
      [](const AnyPicture& picture, const Places& down, const Places& across) {
        const auto fit = [&](const Places& places, std::size_t axis) {
          bool good = places.shape(0) == picture.shape(axis);
          for (std::size_t i = 0; good && i < places.shape(0); ++i)
            good = places.data()[i] >= 0 && static_cast<std::size_t>(places.data()[i]) < picture.shape(axis);
          if (!good) throw nb::value_error("places: expected one in the picture for each row and column");
        };
        fit(down, 0);
        fit(across, 1);
        const std::int32_t *iy = down.data(), *ix = across.data();
        with_picture(picture, [=](auto view) {
          using T = std::remove_pointer_t<decltype(view.data)>;
          const std::int64_t channels = view.channels;
          std::vector<T> row(static_cast<std::size_t>(view.width * channels));
          const auto gather = [&](const T* from, auto count) {
            T* to = row.data();
            for (std::int64_t x = 0; x < view.width; ++x)
              for (std::int64_t c = 0; c < static_cast<std::int64_t>(count); ++c) *to++ = from[ix[x] * static_cast<std::int64_t>(count) + c];
          };
          for (std::int64_t y = 0; y < view.height; ++y) {
            if (y == 0 || iy[y] != iy[y - 1]) {
              if (channels == 3)
                gather(view.at(iy[y], 0), std::integral_constant<std::int64_t, 3>{});
              else
                gather(view.at(iy[y], 0), channels);
            }
            std::copy(row.begin(), row.end(), view.at(y, 0));
          }
        });
      },
      nb::arg("picture").noconvert(), nb::arg("down").noconvert(), nb::arg("across").noconvert());
}

}  // namespace covary
