// The kernels for functions of pixels, together.
#include "picture.hpp"

namespace covary {

void add_pixels(nb::module_& m) {
  add_discs(m);
  add_glass(m);
}

}  // namespace covary
