// Filters of what lies near each pixel, for Python: medians, extremes, means, and the mean of zooms.
#include "neighbours.hpp"

#include <nanobind/stl/vector.h>

#include <algorithm>
#include <type_traits>
#include <vector>

#include "../program.hpp"
#include "picture.hpp"

namespace covary {

namespace {

template <class T>
Rows<T> rows_of(const Pixels<T>& picture) {
  return {picture.data, picture.height, picture.width, picture.channels};
}

template <class T>
bool empty(const Pixels<T>& picture) {
  return picture.height * picture.width * picture.channels == 0;
}

}  // namespace

#if defined(COVARY_AVX2)
#define COVARY_PICK(CALL) (simd && has_avx2() ? avx2::CALL : portable::CALL)
#else
#define COVARY_PICK(CALL) ((void)simd, portable::CALL)
#endif

void add_neighbours(nb::module_& m) {
  m.def(
      "median",
      [](const AnyPicture& picture, int radius, bool simd) {
        if (radius < 0 || radius > widest_median) throw nb::value_error("radius: expected 0 to 3");
        with_picture(picture, [=](auto view) {
          if (!empty(view)) COVARY_PICK(median(rows_of(view), radius));
        });
      },
      nb::arg("picture").noconvert(), nb::arg("radius"), nb::arg("simd"));
  m.def(
      "extreme",
      [](const AnyPicture& picture, const std::vector<int>& halves, bool lightest, bool simd) {
        const auto outside = [](int half) { return half < 0 || half > widest_extreme; };
        if (halves.size() % 2 == 0 || halves.size() > 2 * widest_extreme + 1 ||
            std::any_of(halves.begin(), halves.end(), outside))
          throw nb::value_error("halves: expected an odd number of them, at most 33, from 0 to 16");
        const Neighbourhood near{halves.data(), static_cast<int>(halves.size() / 2)};
        with_picture(picture, [=](auto view) {
          if (!empty(view)) COVARY_PICK(extreme(rows_of(view), near, lightest));
        });
      },
      nb::arg("picture").noconvert(), nb::arg("halves"), nb::arg("lightest"), nb::arg("simd"));
  m.def(
      "box",
      [](const AnyPicture& picture, int radius, bool simd) {
        with_picture(picture, [=](auto view) {
          using T = std::remove_reference_t<decltype(*view.data)>;
          if constexpr (std::is_same_v<T, float>) {
            throw nb::type_error("picture: expected uint8 or uint16");
          } else {
            if (radius < 0 || radius > widest_box<T>) throw nb::value_error("radius: expected 0 to 7, of uint16 0 to 3");
            if (!empty(view)) COVARY_PICK(box(rows_of(view), radius));
          }
        });
      },
      nb::arg("picture").noconvert(), nb::arg("radius"), nb::arg("simd"));
  m.def(
      "zoom_blur",
      [](const AnyPicture& picture, const std::vector<double>& steps, bool simd) {
        if (std::any_of(steps.begin(), steps.end(), [](double step) { return !(step >= 1.0 && step <= 1e6); }))
          throw nb::value_error("steps: expected zooms from 1");
        with_picture(picture, [&](auto view) {
          if (!empty(view)) COVARY_PICK(zoomed(rows_of(view), steps.data(), static_cast<std::int64_t>(steps.size())));
        });
      },
      nb::arg("picture").noconvert(), nb::arg("steps"), nb::arg("simd"));
}

}  // namespace covary
