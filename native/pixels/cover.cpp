// Something of one colour laid over a picture: drops, flakes, stones, frost.
#include <nanobind/stl/optional.h>

#include <optional>
#include <type_traits>

#include "picture.hpp"

namespace covary {

namespace {

using Plane = nb::ndarray<const std::uint8_t, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using Colour = nb::ndarray<const float, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

// `value` is between two of the type's own; adding 1.5 * 2**23 rounds to even.
template <class T>
T rounded(float value) {
  if constexpr (std::is_same_v<T, float>) {
    return value;
  } else {
    constexpr float magic = 12582912.0F;
    return static_cast<T>(static_cast<std::int32_t>((value + magic) - magic));
  }
}

template <class T, class Count>
void cover(const Pixels<T>& picture, Count channels, const std::uint8_t* alpha, const std::uint8_t* light, const float* colour) {
  const std::int64_t pixels = picture.height * picture.width;
  for (std::int64_t i = 0; i < pixels; ++i) {
    if (alpha[i] == 0) continue;
    const float share = static_cast<float>(alpha[i]) * (1.0F / 255.0F);
    const float lit = light == nullptr ? 1.0F : static_cast<float>(light[i]) * (1.0F / 255.0F);
    T* here = picture.data + i * channels;
    for (std::int64_t c = 0; c < channels; ++c) {
      const auto before = static_cast<float>(here[c]);
      here[c] = rounded<T>(before + share * (colour[c] * lit - before));
    }
  }
}

}  // namespace

void add_cover(nb::module_& m) {
  m.def(
      "cover",
      [](const AnyPicture& picture, const Plane& alpha, const std::optional<Plane>& light, const Colour& colour) {
        const auto fits = [&](const Plane& plane) {
          return plane.shape(0) == picture.shape(0) && plane.shape(1) == picture.shape(1);
        };
        if (!fits(alpha) || (light.has_value() && !fits(*light))) throw nb::value_error("alpha, light: not of the picture's size");
        if (colour.shape(0) != picture.shape(2)) throw nb::value_error("colour: expected one number for each channel");
        const std::uint8_t* from = alpha.data();
        const std::uint8_t* lit = light.has_value() ? light->data() : nullptr;
        const float* paint = colour.data();
        with_picture(picture, [=](auto view) {
          if (view.channels == 3) {
            cover(view, std::integral_constant<std::int64_t, 3>{}, from, lit, paint);
          } else {
            cover(view, view.channels, from, lit, paint);
          }
        });
      },
      nb::arg("picture").noconvert(), nb::arg("alpha").noconvert(), nb::arg("light").noconvert().none(),
      nb::arg("colour").noconvert());
}

}  // namespace covary
