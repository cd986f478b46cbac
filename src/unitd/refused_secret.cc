#include "unitd/refused_secret.h"

#include <unistd.h>

#include "base/file.h"
#include "base/wire.h"
#include "crypto/argon2.h"
#include "crypto/hash.h"
#include "crypto/random.h"

namespace keyhaven::unitd {
namespace {

constexpr std::string_view kMagic = "KHRS";
constexpr std::size_t kSaltSize = 16;
constexpr std::size_t kHashSize = 32;
constexpr std::size_t kFileSize = 4 + kSaltSize + kHashSize;

std::string path_in(const std::string& state_directory, const char* file) {
  return state_directory + "/" + file;
}

Result<SecretBytes> hash_of(const SecretBytes& secret, ByteView salt) {
  return crypto::argon2id(secret, salt, {}, kHashSize);
}

}  // namespace

Result<void> check_not_refused(const std::string& state_directory, const SecretBytes& secret,
                               const std::string& what, const char* file) {
  const auto content = read_file(path_in(state_directory, file), kFileSize);
  if (!content) return {};  // none, or not ours: the device itself judges
  Reader in(*content);
  const std::string_view magic = as_text(in.raw(kMagic.size()));
  const ByteView salt = in.raw(kSaltSize);
  const ByteView known = in.raw(kHashSize);
  if (!in.at_end() || magic != kMagic) return {};
  const SecretBytes hash = KH_TRY(hash_of(secret, salt));
  if (!crypto::equal_constant_time(hash.expose(), known)) return {};
  return Error{Reason::InvalidArgument,
               what +
                   " was refused before and is not tried again, lest the device lock; give the "
                   "right one, or remove " +
                   path_in(state_directory, file) + " when the refusal had another cause",
               {}};
}

Result<void> remember_refused(const std::string& state_directory, const SecretBytes& secret,
                              const char* file) {
  Bytes content;
  Writer writer(content);
  Bytes salt(kSaltSize);
  crypto::random_bytes(salt);
  const SecretBytes hash = KH_TRY(hash_of(secret, salt));
  writer.raw(as_bytes(kMagic));
  writer.raw(salt);
  writer.raw(hash.expose());
  return write_file_atomic(path_in(state_directory, file), content, 0600);
}

void forget_refused(const std::string& state_directory, const char* file) {
  (void)::unlink(path_in(state_directory, file).c_str());
}

}  // namespace keyhaven::unitd
