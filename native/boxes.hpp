// Boxes moved by an affine map and cut at a canvas.
#pragma once

#include <cstdint>

namespace covary {

// For each of n boxes x0, y0, x1, y1 the box around its moved outline as far as that is on the canvas; NaN where nothing is
// left of it. `map` is a, b, c, d, e, f: x' = a x + b y + c, y' = d x + e y + f. Returns whether something is left of all.
bool cut_boxes(const double* boxes, std::int64_t n, const double* map, double width, double height, double* cut);

}  // namespace covary
