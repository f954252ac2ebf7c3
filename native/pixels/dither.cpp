// Error diffusion by Floyd and Steinberg.
#include <algorithm>
#include <type_traits>
#include <vector>

#include "picture.hpp"

namespace covary {

namespace {

constexpr float magic = 12582912.0F;  // adding 1.5 * 2**23 leaves no room for a fraction

template <class T>
void diffuse(const Pixels<T>& picture, float step, float last) {
  const std::int64_t channels = picture.channels, run = picture.width * channels;
  // Errors of this row and the next, with a pixel to spare on either side.
  std::vector<float> here(static_cast<std::size_t>(run + 2 * channels), 0.0F), next(here.size(), 0.0F);
  for (std::int64_t y = 0; y < picture.height; ++y) {
    T* v = picture.at(y, 0);
    float* above = here.data() + channels;
    float* below = next.data() + channels;
    for (std::int64_t i = 0; i < run; ++i) {
      const float wanted = static_cast<float>(v[i]) + above[i];
      float place = wanted / step;
      place = place > 0.0F ? place : 0.0F;
      place = place < last ? place : last;
      const float level = (place + magic) - magic;
      float made = level * step;
      if constexpr (!std::is_same_v<T, float>) made = (made + magic) - magic;
      v[i] = static_cast<T>(made);
      const float error = wanted - made;
      above[i + channels] += error * 0.4375F;
      below[i - channels] += error * 0.1875F;
      below[i] += error * 0.3125F;
      below[i + channels] += error * 0.0625F;
    }
    here.swap(next);
    std::fill(next.begin(), next.end(), 0.0F);
  }
}

}  // namespace

void add_dither(nb::module_& m) {
  m.def(
      "diffuse_errors",
      [](const AnyPicture& picture, int levels) {
        if (levels < 2 || levels > 65536) throw nb::value_error("levels: expected 2 to 65536");
        const auto last = static_cast<float>(levels - 1);
        with_picture(picture, [=](auto view) {
          using T = std::remove_pointer_t<decltype(view.data)>;
          constexpr float white = std::is_same_v<T, std::uint8_t> ? 255.0F : std::is_same_v<T, std::uint16_t> ? 65535.0F : 1.0F;
          diffuse(view, white / last, last);
        });
      },
      nb::arg("picture").noconvert(), nb::arg("levels"));
}

}  // namespace covary
