#include "unitd/state_format1.h"

#include "base/wire.h"
#include "crypto/aead.h"
#include "crypto/hash.h"

namespace keyhaven::unitd {
namespace {

constexpr std::string_view kMagic = "KHSS";
constexpr std::uint16_t kFormat = 1;
constexpr std::uint16_t kMethodKeyFile = 1;
constexpr std::size_t kKeyIdSize = 16;
constexpr std::size_t kHeaderSize = 32;
constexpr std::string_view kKeyLabel = "keyhaven unit state file v1";
constexpr std::string_view kKeyIdLabel = "keyhaven unit state key id v1";

}  // namespace

bool is_format1(ByteView file) noexcept {
  return file.size() >= 6 && as_text(file.first(4)) == kMagic && file[4] == 0 && file[5] == kFormat;
}

Result<OpenedState> open_format1(const SecretBytes& sealing_key, ByteView file) {
  Reader in(file);
  const std::string_view magic = as_text(in.raw(kMagic.size()));
  const std::uint16_t format = in.u16();
  const std::uint16_t method = in.u16();
  const std::uint64_t counter = in.u64();
  const ByteView id = in.raw(kKeyIdSize);
  if (!in.ok() || magic != kMagic || format != kFormat || method != kMethodKeyFile) {
    return Error{
        Reason::InvalidArgument, "it is not a state file of a crypto unit, or it is cut short", {}};
  }
  const SecretBytes expected = crypto::hkdf_sha256(sealing_key, {}, kKeyIdLabel, kKeyIdSize);
  if (!crypto::equal_constant_time(id, expected.expose())) {
    return Error{Reason::DecryptFailed,
                 "it was sealed with another sealing key; put the right key file in its place",
                 {}};
  }
  crypto::XaesKey key(crypto::hkdf_sha256(sealing_key, {}, kKeyLabel, crypto::kXaesKeySize));
  auto state = key.open(in.rest(), file.first(kHeaderSize));
  if (!state) {
    return Error{
        Reason::DecryptFailed, "it is damaged or cut short; restore the last good copy of it", {}};
  }
  return OpenedState{counter, std::move(state).value()};
}

}  // namespace keyhaven::unitd
