#include "blocks.hpp"

#include <cstdint>
#include <cstdlib>
#include <list>
#include <map>
#include <mutex>
#include <new>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace covary {

namespace {

constexpr std::size_t header = 64;  // keeps the alignment

struct Header {
  std::size_t bytes;
  std::size_t handed;  // bytes of all blocks that had been handed out, this one with them
};

Header& header_of(void* memory) { return *static_cast<Header*>(memory); }

struct Free {
  void* memory;
  std::size_t bytes;
};

// Never destroyed: arrays may be freed while the interpreter goes down.
struct Store {
  std::mutex lock;
  std::list<Free> free;  // last returned first
  std::size_t bytes = 0;
  std::map<std::uintptr_t, std::size_t> out;  // blocks in use: where they begin, and what `handed_between` says of them
  std::size_t handed = 0;
};

Store& store() {
  static Store* one = new Store;
  return *one;
}

constexpr std::size_t page = 4096, huge_page = std::size_t{2} << 20;
constexpr std::size_t huge_from = 2 * huge_page;

// Large pages make first use of a large block cheaper, as NumPy does for its own, and its addresses are found sooner.
void want_huge_pages(void* memory, std::size_t bytes) {
#if defined(__linux__) && defined(MADV_HUGEPAGE)
  if (bytes < huge_from && bytes % huge_page != 0) return;
  const std::size_t ahead = (page - reinterpret_cast<std::uintptr_t>(memory) % page) % page;
  madvise(static_cast<char*>(memory) + ahead, (bytes - ahead) / page * page, MADV_HUGEPAGE);  // a wish; failure is no harm
#else
  (void)memory;
  (void)bytes;
#endif
}

std::size_t in_steps(std::size_t bytes, std::size_t step) { return (bytes + step - 1) / step * step; }

// Steps of an eighth to a quarter of the size: little is wasted, and sizes that nearly agree share blocks. Whole large pages where
// that wastes no more.
std::size_t rounded(std::size_t bytes) {
  const std::size_t pages = in_steps(bytes, huge_page);
  if (pages - bytes <= bytes / 4) return pages;
  std::size_t step = 16384;
  while (step * 8 < bytes) step *= 2;
  return in_steps(bytes, step);
}

}  // namespace

void* take_block(std::size_t bytes) {
  if (bytes > (SIZE_MAX >> 2)) throw std::bad_alloc();
  const std::size_t wanted = rounded(bytes + header);
  void* memory = nullptr;
  Store& s = store();
  {
    const std::lock_guard<std::mutex> guard(s.lock);
    for (auto it = s.free.begin(); it != s.free.end(); ++it) {
      if (it->bytes != wanted) continue;
      memory = it->memory;
      s.out.emplace(reinterpret_cast<std::uintptr_t>(memory), s.handed + wanted - header_of(memory).handed);
      s.free.erase(it);
      s.bytes -= wanted;
      s.handed += wanted;
      header_of(memory).handed = s.handed;
      return static_cast<char*>(memory) + header;
    }
  }
  memory = std::aligned_alloc(wanted % huge_page == 0 ? huge_page : header, wanted);
  if (memory == nullptr) throw std::bad_alloc();
  want_huge_pages(memory, wanted);
  const std::lock_guard<std::mutex> guard(s.lock);
  try {
    s.out.emplace(reinterpret_cast<std::uintptr_t>(memory), 0);
  } catch (const std::bad_alloc&) {
    std::free(memory);
    throw;
  }
  s.handed += wanted;
  header_of(memory) = {wanted, s.handed};
  return static_cast<char*>(memory) + header;
}

void return_block(void* block) noexcept {
  void* memory = static_cast<char*>(block) - header;
  const std::size_t bytes = header_of(memory).bytes;
  Store& s = store();
  const std::lock_guard<std::mutex> guard(s.lock);
  s.out.erase(reinterpret_cast<std::uintptr_t>(memory));
  if (bytes > most_kept) {
    std::free(memory);
    return;
  }
  try {
    s.free.push_front({memory, bytes});
  } catch (const std::bad_alloc&) {
    std::free(memory);
    return;
  }
  s.bytes += bytes;
  while (s.bytes > most_kept) {
    s.bytes -= s.free.back().bytes;
    std::free(s.free.back().memory);
    s.free.pop_back();
  }
}

std::size_t handed_between(const void* inside) noexcept {
  const auto address = reinterpret_cast<std::uintptr_t>(inside);
  Store& s = store();
  const std::lock_guard<std::mutex> guard(s.lock);
  auto behind = s.out.upper_bound(address);
  if (behind == s.out.begin()) return 0;
  --behind;
  const std::size_t bytes = header_of(reinterpret_cast<void*>(behind->first)).bytes;
  return address - behind->first < bytes ? behind->second : 0;
}

std::size_t kept_bytes() noexcept {
  Store& s = store();
  const std::lock_guard<std::mutex> guard(s.lock);
  return s.bytes;
}

void drop_kept() noexcept {
  Store& s = store();
  const std::lock_guard<std::mutex> guard(s.lock);
  for (const Free& free : s.free) std::free(free.memory);
  s.free.clear();
  s.bytes = 0;
}

}  // namespace covary
