// Keypoints through affine maps.
#pragma once

#include <cstdint>
#include <vector>

#include "boxes.hpp"

namespace covary {

struct PointRules {
  bool visibility;  // the third column is COCO's
  enum class Outside { drop, hide, keep } outside;
};

// Moves n points in place, `columns` numbers each, from a canvas of `width` x `height`; those outside are hidden as the rules
// say. Returns which rows stay, in order.
template <class T>
std::vector<std::int64_t> carry_points(T* points, std::int64_t n, std::int64_t columns, const PointRules& rules, double width,
                                       double height, const std::vector<AffineLeg>& legs);

}  // namespace covary
