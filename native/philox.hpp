// Philox 4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3").
#pragma once

#include <cstdint>

namespace covary {

constexpr std::uint32_t philox_multiplier_0 = 0xD2511F53U;
constexpr std::uint32_t philox_multiplier_1 = 0xCD9E8D57U;
constexpr std::uint32_t philox_weyl_0 = 0x9E3779B9U;
constexpr std::uint32_t philox_weyl_1 = 0xBB67AE85U;

static inline void philox(std::uint32_t counter[4], std::uint32_t key_0, std::uint32_t key_1) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t product_0 = std::uint64_t{philox_multiplier_0} * counter[0];
    const std::uint64_t product_1 = std::uint64_t{philox_multiplier_1} * counter[2];
    const std::uint32_t a = static_cast<std::uint32_t>(product_1 >> 32) ^ counter[1] ^ key_0;
    const std::uint32_t c = static_cast<std::uint32_t>(product_0 >> 32) ^ counter[3] ^ key_1;
    counter[1] = static_cast<std::uint32_t>(product_1);
    counter[3] = static_cast<std::uint32_t>(product_0);
    counter[0] = a;
    counter[2] = c;
    key_0 += philox_weyl_0;
    key_1 += philox_weyl_1;
  }
}

}  // namespace covary
