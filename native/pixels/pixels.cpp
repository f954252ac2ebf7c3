// The kernels for functions of pixels, together.
#include "picture.hpp"

namespace covary {

void add_pixels(nb::module_& m) {
  add_clahe(m);
  add_clouds(m);
  add_colours(m);
  add_cover(m);
  add_discs(m);
  add_dither(m);
  add_glass(m);
  add_levels(m);
  add_marks(m);
  add_neighbours(m);
  add_superpixels(m);
}

}  // namespace covary
