// Boxes from the user's format through affine maps, cut at every canvas, and back into the user's format.
#pragma once

#include <cstdint>
#include <vector>

namespace covary {

enum class BoxFormat { pascal_voc, coco, yolo, normalised };

struct BoxRules {
  BoxFormat format;
  bool clip;
  double min_area;
  double min_visibility;
};

// One stage: the affine map forwards, x' = a x + b y + c, y' = d x + e y + f, and the canvas behind it, at which boxes are cut.
struct AffineLeg {
  double map[6];
  double width;
  double height;
  bool still = false;  // the map is the identity

  // Whether boxes stay boxes: scales, flips, quarter turns, shifts.
  bool square() const { return (map[1] == 0 && map[3] == 0) || (map[0] == 0 && map[4] == 0); }
};

// The boxes that stay.
struct CarriedBoxes {
  std::vector<double> edges;        // x0, y0, x1, y1 in pixels
  std::vector<std::int64_t> rows;  // which ones they are
};

// The affine map forwards of an inverse warp (3x3, row by row); false if it has no inverse or is not affine.
bool invert_affine(const double* matrix, double* map);

// Moves n boxes, `columns` numbers each, from a canvas of `width` x `height`. All legs but the last are square. Returns false
// if one of the boxes is not a box: not finite, inside out, or in pixels where fractions were announced.
bool carry_boxes(const double* boxes, std::int64_t n, std::int64_t columns, const BoxRules& rules, double width, double height,
                 const std::vector<AffineLeg>& legs, CarriedBoxes& carried);

// Writes the boxes that stayed in the user's format, `columns` numbers each, the further ones those of the original `boxes`.
// With `rules.clip`, rounding leaves them valid: edges computed back from the result lie in the picture.
template <class T>
void write_boxes(const CarriedBoxes& carried, const double* boxes, std::int64_t columns, const BoxRules& rules, double width,
                 double height, T* written);

}  // namespace covary
