#include "crypto/argon2.h"

#include <argon2.h>
#include <sys/mman.h>

#include <cstdlib>

namespace keyhaven::crypto {
namespace {

constexpr std::size_t kMostPassphrase = 4096;
constexpr std::size_t kLeastOutput = 4;
constexpr std::size_t kMostOutput = 64;

// The library's working memory. Only these two functions know that it is mapped.
int map_memory(std::uint8_t** memory, std::size_t size) {
  void* const mapped =
      ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) return ARGON2_MEMORY_ALLOCATION_ERROR;
  // Advice that an old kernel refuses leaves what the process forbids anyway: it dumps no core.
  (void)::madvise(mapped, size, MADV_DONTDUMP);
  (void)::madvise(mapped, size, MADV_DONTFORK);
  *memory = static_cast<std::uint8_t*>(mapped);
  return ARGON2_OK;
}

void unmap_memory(std::uint8_t* memory, std::size_t size) {
  wipe({memory, size});
  (void)::munmap(memory, size);
}

}  // namespace

bool is_within_limits(const Argon2Cost& cost) noexcept {
  return cost.lanes >= 1 && cost.lanes <= kArgon2MostLanes && cost.passes >= 1 &&
         cost.passes <= kArgon2MostPasses &&
         cost.memory_kib >= kArgon2LeastMemoryKib * cost.lanes &&
         cost.memory_kib <= kArgon2MostMemoryKib;
}

Result<SecretBytes> argon2id(const SecretBytes& passphrase, ByteView salt, const Argon2Cost& cost,
                             std::size_t size) {
  if (!is_within_limits(cost) || passphrase.empty() || passphrase.size() > kMostPassphrase ||
      salt.size() < kArgon2LeastSalt || salt.size() > kArgon2MostSalt || size < kLeastOutput ||
      size > kMostOutput) {
    return Error{Reason::InvalidArgument, "Argon2id: a size or a cost is out of its limits", {}};
  }
  SecretBytes input = passphrase.clone();  // the library's interface takes no const
  Bytes own_salt = to_bytes(salt);
  SecretBytes out(size);
  argon2_context context{};
  context.out = out.expose_mutable().data();
  context.outlen = static_cast<std::uint32_t>(size);
  context.pwd = input.expose_mutable().data();
  context.pwdlen = static_cast<std::uint32_t>(input.size());
  context.salt = own_salt.data();
  context.saltlen = static_cast<std::uint32_t>(own_salt.size());
  context.t_cost = cost.passes;
  context.m_cost = cost.memory_kib;
  context.lanes = cost.lanes;
  context.threads = 1;
  context.version = ARGON2_VERSION_13;
  context.allocate_cbk = map_memory;
  context.free_cbk = unmap_memory;
  const int status = ::argon2id_ctx(&context);
  if (status == ARGON2_MEMORY_ALLOCATION_ERROR) {
    return Error{Reason::Io,
                 "the system does not give the " + std::to_string(cost.memory_kib / 1024) +
                     " MiB that Argon2id needs",
                 {}};
  }
  KH_ASSERT(status == ARGON2_OK);  // all other causes were checked above
  return out;
}

}  // namespace keyhaven::crypto
