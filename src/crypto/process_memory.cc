#include "crypto/process_memory.h"

#include <openssl/crypto.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstring>

#include "base/locked_arena.h"

namespace keyhaven::crypto {

namespace {

// OnFork::Keep: this memory holds pointers and locks, which a child must not find torn.
void* allocate(std::size_t size, const char*, int) {
  return locked_arena::allocate(size, locked_arena::OnFork::Keep);
}

void release(void* pointer, const char*, int) { locked_arena::release(pointer); }

void* reallocate(void* pointer, std::size_t size, const char* file, int line) {
  if (pointer == nullptr) return allocate(size, file, line);
  if (size == 0) {
    locked_arena::release(pointer);
    return nullptr;
  }
  const std::size_t old_size = locked_arena::size_of(pointer);
  if (size <= old_size && size > old_size / 2) return pointer;
  void* const moved = allocate(size, file, line);
  std::memcpy(moved, pointer, std::min(size, old_size));
  locked_arena::release(pointer);
  return moved;
}

}  // namespace

Result<void> use_locked_arena_for_libcrypto() {
  if (CRYPTO_set_mem_functions(allocate, reallocate, release) != 1) {
    return Error{Reason::Internal,
                 "libcrypto has allocated memory already; call this before anything else uses it",
                 {}};
  }
  return {};
}

void forbid_core_dumps_and_tracing() {
  const rlimit none{0, 0};
  KH_ASSERT(::setrlimit(RLIMIT_CORE, &none) == 0);
  KH_ASSERT(::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0);
}

}  // namespace keyhaven::crypto
