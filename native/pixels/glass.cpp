// Pixels trade places with near neighbours, as behind ground glass.
#include <algorithm>

#include "picture.hpp"

namespace covary {

namespace {

constexpr std::uint32_t tag_glass = 16;

template <class T>
void glass(const Pixels<T>& picture, std::int64_t reach, int rounds, std::uint64_t stream) {
  Words words(stream, tag_glass);
  const auto span = static_cast<std::uint32_t>(2 * reach + 1);
  for (int round = 0; round < rounds; ++round) {
    for (std::int64_t y = 0; y < picture.height; ++y) {
      for (std::int64_t x = 0; x < picture.width; ++x) {
        const std::uint32_t word = words.next();
        const auto dy = static_cast<std::int64_t>(((word >> 16) * span) >> 16) - reach;
        const auto dx = static_cast<std::int64_t>(((word & 0xFFFFU) * span) >> 16) - reach;
        const std::int64_t v = std::clamp<std::int64_t>(y + dy, 0, picture.height - 1);
        const std::int64_t u = std::clamp<std::int64_t>(x + dx, 0, picture.width - 1);
        T* here = picture.at(y, x);
        std::swap_ranges(here, here + picture.channels, picture.at(v, u));
      }
    }
  }
}

}  // namespace

void add_glass(nb::module_& m) {
  m.def(
      "glass",
      [](const AnyPicture& picture, std::int64_t reach, int rounds, std::uint64_t stream) {
        if (reach < 0 || reach > 1000) throw nb::value_error("reach: expected 0 to 1000 pixels");
        if (rounds < 0) throw nb::value_error("rounds: must not be negative");
        with_picture(picture, [&](auto view) { glass(view, reach, rounds, stream); });
      },
      nb::arg("picture").noconvert(), nb::arg("reach"), nb::arg("rounds"), nb::arg("stream"));
}

}  // namespace covary
