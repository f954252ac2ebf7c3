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

// One stroke x0, y0, x1, y1, radius: each pixel is covered by as much of the radius plus a half as its centre lies inside.
void stroke(std::uint8_t* alpha, std::uint8_t* light, std::int64_t height, std::int64_t width, const float* from,
            std::uint8_t strength, std::uint8_t shade) {
  const float x0 = from[0], y0 = from[1], dx = from[2] - from[0], dy = from[3] - from[1], reach = from[4] + 0.5F;
  const float square = dx * dx + dy * dy;
  const float scale = square > 0.0F ? 1.0F / square : 0.0F;
  const auto first = [&](float a, float d) { return std::max<std::int64_t>(static_cast<std::int64_t>(std::min(a, a + d) - reach - 1), 0); };
  const auto end = [&](float a, float d, std::int64_t limit) {
    return std::min<std::int64_t>(static_cast<std::int64_t>(std::max(a, a + d) + reach + 2), limit);
  };
  const std::int64_t left = first(x0, dx), right = end(x0, dx, width), bottom = end(y0, dy, height);
  const float across = std::fabs(dy) > 1e-3F ? dx / dy : 0.0F;
  const float half = std::fabs(dy) > 1e-3F ? reach * std::sqrt(square) / std::fabs(dy) + 0.6F : 1e9F;
  for (std::int64_t y = first(y0, dy); y < bottom; ++y) {
    const float py = static_cast<float>(y) + 0.5F - y0;
    // The line at this height, and what can be near it; beyond its ends their own discs.
    const float middle = x0 + std::clamp(py, std::min(dy, 0.0F), std::max(dy, 0.0F)) * across;
    const float low = std::max(middle - half, 0.0F), high = std::min(middle + half + 1, static_cast<float>(width));
    const std::int64_t stop = high > 0 ? std::min(right, static_cast<std::int64_t>(high)) : 0;
    for (std::int64_t x = std::max(left, low < static_cast<float>(width) ? static_cast<std::int64_t>(low) : width); x < stop; ++x) {
      const float px = static_cast<float>(x) + 0.5F - x0;
      float t = (px * dx + py * dy) * scale;
      t = t > 0.0F ? t : 0.0F;
      t = t < 1.0F ? t : 1.0F;
      const float ex = px - t * dx, ey = py - t * dy;
      float inside = reach - std::sqrt(ex * ex + ey * ey);
      inside = inside > 0.0F ? inside : 0.0F;
      inside = inside < 1.0F ? inside : 1.0F;
      const auto covered = static_cast<std::uint8_t>(inside * static_cast<float>(strength) + 0.5F);
      const std::int64_t i = y * width + x;
      if (covered == 0 || covered < alpha[i]) continue;
      alpha[i] = covered;
      if (light != nullptr) light[i] = shade;
    }
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
