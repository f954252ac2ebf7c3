// Large blocks of memory that are handed out again instead of going back to the system: fresh pages cost a fault each.
#pragma once

#include <cstddef>

namespace covary {

constexpr std::size_t least_block = std::size_t{64} << 10;    // smaller ones are left to malloc
constexpr std::size_t most_kept = std::size_t{256} << 20;  // bytes waiting in the free list

void* take_block(std::size_t bytes);              // throws std::bad_alloc
void return_block(void* block) noexcept;          // what take_block gave
// How many bytes have been handed out from when the block around this address was handed out before to when it was last: as
// many may have been written since it was. 0 for new blocks, and for memory that is none of these.
std::size_t handed_between(const void* inside) noexcept;
std::size_t kept_bytes() noexcept;
void drop_kept() noexcept;

}  // namespace covary
