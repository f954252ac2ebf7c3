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

// Calls `work` with the picture and its output as what they are, the GIL released; of an empty picture there is nothing to make.
template <class Work>
void with_rows(const GivenPicture& picture, const AnyPicture& out, Work work) {
  for (std::size_t axis = 0; axis < 3; ++axis)
    if (picture.shape(axis) != out.shape(axis)) throw nb::value_error("out: expected the picture's shape");
  if (picture.dtype() != out.dtype()) throw nb::type_error("out: expected the picture's type");
  const void* data = picture.data();
  with_picture(out, [=](auto view) {
    using T = std::remove_reference_t<decltype(*view.data)>;
    const Rows<T> rows{static_cast<const T*>(data), view.data, view.height, view.width, view.channels};
    if (rows.height * rows.run() > 0) work(rows);
  });
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
      [](const GivenPicture& picture, const AnyPicture& out, int radius, bool simd) {
        if (radius < 0 || radius > widest_median) throw nb::value_error("radius: expected 0 to 3");
        with_rows(picture, out, [=](auto rows) {
          COVARY_PICK(median(rows, radius));
        });
      },
      nb::arg("picture").noconvert(), nb::arg("out").noconvert(), nb::arg("radius"), nb::arg("simd"));
  m.def(
      "extreme",
      [](const GivenPicture& picture, const AnyPicture& out, const std::vector<int>& halves, bool lightest, bool simd) {
        const auto outside = [](int half) { return half < 0 || half > widest_extreme; };
        if (halves.size() % 2 == 0 || halves.size() > 2 * widest_extreme + 1 ||
            std::any_of(halves.begin(), halves.end(), outside))
          throw nb::value_error("halves: expected an odd number of them, at most 33, from 0 to 16");
        const Neighbourhood near{halves.data(), static_cast<int>(halves.size() / 2)};
        with_rows(picture, out, [=](auto rows) {
          COVARY_PICK(extreme(rows, near, lightest));
        });
      },
      nb::arg("picture").noconvert(), nb::arg("out").noconvert(), nb::arg("halves"), nb::arg("lightest"), nb::arg("simd"));
  m.def(
      "box",
      [](const GivenPicture& picture, const AnyPicture& out, int radius, bool simd) {
        with_rows(picture, out, [=](auto rows) {
          using T = std::remove_pointer_t<decltype(rows.out)>;
          if constexpr (std::is_same_v<T, float>) {
            throw nb::type_error("picture: expected uint8 or uint16");
          } else {
            if (radius < 0 || radius > widest_box<T>) throw nb::value_error("radius: expected 0 to 7, of uint16 0 to 3");
            COVARY_PICK(box(rows, radius));
          }
        });
      },
      nb::arg("picture").noconvert(), nb::arg("out").noconvert(), nb::arg("radius"), nb::arg("simd"));
  m.def(
      "zoom_blur",
      [](const GivenPicture& picture, const AnyPicture& out, const std::vector<double>& steps, bool simd) {
        if (std::any_of(steps.begin(), steps.end(), [](double step) { return !(step >= 1.0 && step <= 1e6); }))
          throw nb::value_error("steps: expected zooms from 1");
        with_rows(picture, out, [&](auto rows) {
          COVARY_PICK(zoomed(rows, steps.data(), static_cast<std::int64_t>(steps.size())));
        });
      },
      nb::arg("picture").noconvert(), nb::arg("out").noconvert(), nb::arg("steps"), nb::arg("simd"));
}

}  // namespace covary
