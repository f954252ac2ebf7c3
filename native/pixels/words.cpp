// Philox for several neighbouring counters at once.
#include "picture.hpp"

namespace covary {

COVARY_CLONES void philox_lanes_of(std::uint32_t first, std::uint32_t tag, std::uint32_t key_0, std::uint32_t key_1,
                                 std::uint32_t to[4 * philox_lanes]) {
  std::uint32_t c0[philox_lanes], c1[philox_lanes], c2[philox_lanes], c3[philox_lanes];
  for (int i = 0; i < philox_lanes; ++i) {
    c0[i] = first + static_cast<std::uint32_t>(i);
    c1[i] = c2[i] = 0;
    c3[i] = tag;
  }
  for (int round = 0; round < 10; ++round) {
    for (int i = 0; i < philox_lanes; ++i) {
      const std::uint64_t product_0 = std::uint64_t{philox_multiplier_0} * c0[i];
      const std::uint64_t product_1 = std::uint64_t{philox_multiplier_1} * c2[i];
      c0[i] = static_cast<std::uint32_t>(product_1 >> 32) ^ c1[i] ^ key_0;
      c2[i] = static_cast<std::uint32_t>(product_0 >> 32) ^ c3[i] ^ key_1;
      c1[i] = static_cast<std::uint32_t>(product_1);
      c3[i] = static_cast<std::uint32_t>(product_0);
    }
    key_0 += philox_weyl_0;
    key_1 += philox_weyl_1;
  }
  for (int i = 0; i < philox_lanes; ++i) {
    to[4 * i] = c0[i];
    to[4 * i + 1] = c1[i];
    to[4 * i + 2] = c2[i];
    to[4 * i + 3] = c3[i];
  }
}

}  // namespace covary
