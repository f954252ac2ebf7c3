// Large blocks of memory that are handed out again instead of going back to the system: fresh pages cost a fault each.
#pragma once

#include <cstddef>

namespace covary {

constexpr std::size_t least_block = std::size_t{64} << 10;    // smaller ones are left to malloc
constexpr std::size_t most_kept = std::size_t{256} << 20;  // bytes waiting in the free list

void* take_block(std::size_t bytes);              // throws std::bad_alloc
void return_block(void* block) noexcept;          // what take_block gave
std::size_t kept_bytes() noexcept;
void drop_kept() noexcept;

}  // namespace covary
