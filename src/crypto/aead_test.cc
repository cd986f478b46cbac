#include "crypto/aead.h"

#include <gtest/gtest.h>

#include <optional>
#include <set>

#include "crypto/handles.h"
#include "crypto/random.h"

namespace keyhaven::crypto {
namespace {

SecretBytes repeated(std::uint8_t byte, std::size_t size = 32) {
  return SecretBytes::copy_of(Bytes(size, byte));
}

// C2SP XAES-256-GCM, test vectors 1 and 2; docs/protocols/aead.md works through the first.
struct XaesVector {
  std::uint8_t key_byte;
  const char* aad;
  const char* ciphertext_and_tag;
};

TEST(XaesTest, VectorsOfTheSpecification) {
  constexpr XaesVector kVectors[] = {
      {0x01, "", "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271"},
      {0x03, "c2sp.org/XAES-256-GCM", "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d"},
  };
  constexpr std::string_view kNonce = "ABCDEFGHIJKLMNOPQRSTUVWX";
  for (const XaesVector& v : kVectors) {
    XaesKey key(repeated(v.key_byte));
    const Bytes sealed = key.seal_with_nonce_for_vectors(as_bytes(kNonce), as_bytes("XAES-256-GCM"),
                                                         as_bytes(v.aad));
    EXPECT_EQ(to_hex(sealed), v.ciphertext_and_tag);
    Bytes message = to_bytes(as_bytes(kNonce));
    append(message, sealed);
    const auto opened = key.open(message, as_bytes(v.aad));
    ASSERT_TRUE(opened);
    EXPECT_EQ(as_text(opened->expose()), "XAES-256-GCM");
  }
}

// A stream of SHAKE-128 output for an empty input. OpenSSL 3.0 gives the output of an XOF in one
// piece only, so the longest stream that the rounds can read is made at once.
class ShakeStream {
 public:
  explicit ShakeStream(std::size_t size) : bytes_(size) {
    const MdCtxPtr context(not_null(EVP_MD_CTX_new()));
    KH_OPENSSL(EVP_DigestInit_ex(context.get(), EVP_shake128(), nullptr));
    KH_OPENSSL(EVP_DigestFinalXOF(context.get(), bytes_.data(), bytes_.size()));
  }
  ByteView take(std::size_t size) {
    const ByteView out = ByteView(bytes_).subspan(at_, size);
    at_ += size;
    return out;
  }

 private:
  Bytes bytes_;
  std::size_t at_ = 0;
};

TEST(XaesTest, AccumulatedVectorOfTenThousandRounds) {
  constexpr std::size_t kRounds = 10'000;
  ShakeStream input(kRounds * (32 + 24 + 1 + 255 + 1 + 255));
  const MdCtxPtr outputs(not_null(EVP_MD_CTX_new()));
  KH_OPENSSL(EVP_DigestInit_ex(outputs.get(), EVP_shake128(), nullptr));
  for (std::size_t i = 0; i < kRounds; ++i) {
    const ByteView key_bytes = input.take(kXaesKeySize);
    const ByteView nonce = input.take(kXaesNonceSize);
    const ByteView plaintext = input.take(input.take(1)[0]);
    const ByteView aad = input.take(input.take(1)[0]);
    XaesKey key(SecretBytes::copy_of(key_bytes));
    const Bytes sealed = key.seal_with_nonce_for_vectors(nonce, plaintext, aad);
    KH_OPENSSL(EVP_DigestUpdate(outputs.get(), sealed.data(), sealed.size()));
    Bytes message = to_bytes(nonce);
    append(message, sealed);
    const auto opened = key.open(message, aad);
    ASSERT_TRUE(opened) << "round " << i;
    ASSERT_EQ(to_bytes(opened->expose()), to_bytes(plaintext)) << "round " << i;
  }
  Bytes digest(32);
  KH_OPENSSL(EVP_DigestFinalXOF(outputs.get(), digest.data(), digest.size()));
  EXPECT_EQ(to_hex(digest), "e6b9edf2df6cec60c8cbd864e2211b597fb69a529160cd040d56c0c210081939");
}

TEST(XaesTest, SealMakesAFreshNonceEachTimeAndOpens) {
  XaesKey key(random_secret(32));
  std::set<Bytes> nonces;
  for (std::size_t size : {0u, 1u, 15u, 16u, 17u, 32u, 7168u, 100'000u}) {
    Bytes plaintext(size);
    random_nonce(plaintext);
    const Bytes sealed = key.seal(plaintext, as_bytes("aad"));
    EXPECT_EQ(sealed.size(), size + kXaesOverhead);
    nonces.insert(Bytes(sealed.begin(), sealed.begin() + kXaesNonceSize));
    const auto opened = key.open(sealed, as_bytes("aad"));
    ASSERT_TRUE(opened) << size;
    EXPECT_EQ(to_bytes(opened->expose()), plaintext);
  }
  EXPECT_EQ(nonces.size(), 8u);
}

TEST(XaesTest, OpenRefusesEveryChangedBitWithOneError) {
  XaesKey key(repeated(7));
  const Bytes sealed = key.seal(as_bytes("DEK"), as_bytes("context"));
  std::set<std::string> messages;
  const auto expect_refused = [&](const Result<SecretBytes>& opened) {
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().reason, Reason::DecryptFailed);
    messages.insert(opened.error().message);
  };
  for (std::size_t bit = 0; bit < sealed.size() * 8; ++bit) {
    Bytes changed = sealed;
    changed[bit / 8] = static_cast<std::uint8_t>(changed[bit / 8] ^ (1u << bit % 8));
    expect_refused(key.open(changed, as_bytes("context")));
  }
  for (std::size_t size = 0; size < sealed.size(); ++size) {
    expect_refused(key.open(ByteView(sealed).first(size), as_bytes("context")));
  }
  Bytes longer = sealed;
  longer.push_back(0);
  expect_refused(key.open(longer, as_bytes("context")));
  expect_refused(key.open(sealed, as_bytes("contexT")));
  expect_refused(key.open(sealed, {}));
  XaesKey other(repeated(8));
  expect_refused(other.open(sealed, as_bytes("context")));
  EXPECT_EQ(messages.size(), 1u);
  // The key still works after refusals, and they left nothing in OpenSSL's error queue.
  EXPECT_TRUE(key.open(sealed, as_bytes("context")));
  EXPECT_EQ(ERR_peek_error(), 0u);
}

TEST(XaesTest, MovesKeepTheKey) {
  XaesKey first(repeated(1));
  const Bytes sealed = first.seal(as_bytes("x"), {});
  XaesKey second(std::move(first));
  EXPECT_TRUE(second.open(sealed, {}));
  XaesKey third(repeated(2));
  third = std::move(second);
  EXPECT_TRUE(third.open(sealed, {}));
}

TEST(XaesTest, KeysThatShareContextsDoNotMeet) {
  XaesContexts contexts;
  std::vector<XaesKey> keys;
  std::vector<XaesKey> alone;
  for (std::uint8_t i = 0; i < 4; ++i) {
    keys.emplace_back(repeated(i), contexts);
    alone.emplace_back(repeated(i));
  }
  for (std::size_t i = 0; i < 64; ++i) {
    const std::size_t one = i % 4;
    const std::size_t other = i / 4 % 4;
    const Bytes sealed = keys[one].seal(as_bytes("DEK"), as_bytes("aad"));
    EXPECT_EQ(keys[other].open(sealed, as_bytes("aad")).has_value(), one == other);
    EXPECT_TRUE(alone[one].open(sealed, as_bytes("aad")));
    EXPECT_TRUE(keys[one].open(alone[one].seal(as_bytes("DEK"), {}), {}));
    if (i % 5 == 0) contexts.clear();
  }
}

// A key made where another lay must not meet contexts that still hold the other's schedule.
TEST(XaesTest, ANewKeyInThePlaceOfAnotherIsNotTakenForIt) {
  XaesContexts contexts;
  std::optional<XaesKey> place;
  place.emplace(repeated(1), contexts);
  const Bytes sealed = place->seal(as_bytes("DEK"), {});
  place.emplace(repeated(2), contexts);
  EXPECT_FALSE(place->open(sealed, {}));
  place.emplace(repeated(1), contexts);
  EXPECT_TRUE(place->open(sealed, {}));
}

TEST(XaesTest, SizesOfKeyNonceAndOutputAreInvariants) {
  EXPECT_DEATH(XaesKey(repeated(1, 16)), "kXaesKeySize");
  XaesKey key(repeated(1));
  Bytes out(kXaesOverhead);
  EXPECT_DEATH(key.seal_into(as_bytes("x"), {}, out), "kXaesOverhead");
  EXPECT_DEATH(key.seal_with_nonce_for_vectors(as_bytes("short"), {}, {}), "kXaesNonceSize");
}

TEST(Aes256GcmTest, RoundTripAndRefusals) {
  const SecretBytes key = random_secret(32);
  const Bytes sealed = aes256_gcm_seal(key, as_bytes("signature key"), as_bytes("a"));
  EXPECT_EQ(sealed.size(), 12 + 13 + 16u);
  EXPECT_EQ(as_text(aes256_gcm_open(key, sealed, as_bytes("a")).value().expose()), "signature key");
  EXPECT_NE(aes256_gcm_seal(key, as_bytes("signature key"), as_bytes("a")), sealed);
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    Bytes changed = sealed;
    changed[i] ^= 1;
    EXPECT_EQ(aes256_gcm_open(key, changed, as_bytes("a")).error().reason, Reason::DecryptFailed);
  }
  EXPECT_FALSE(aes256_gcm_open(key, sealed, as_bytes("b")));
  EXPECT_FALSE(aes256_gcm_open(key, ByteView(sealed).first(27), as_bytes("a")));
  EXPECT_TRUE(aes256_gcm_open(key, aes256_gcm_seal(key, {}, {}), {}).value().empty());
  EXPECT_EQ(ERR_peek_error(), 0u);
}

// RFC 3394 section 4.
struct WrapVector {
  const char* section;
  const char* kek;
  const char* key;
  const char* wrapped;
};

constexpr WrapVector kRfc3394[] = {
    {"4.1", "000102030405060708090A0B0C0D0E0F", "00112233445566778899AABBCCDDEEFF",
     "1FA68B0A8112B447AEF34BD8FB5A7B829D3E862371D2CFE5"},
    {"4.2", "000102030405060708090A0B0C0D0E0F1011121314151617", "00112233445566778899AABBCCDDEEFF",
     "96778B25AE6CA435F92B5B97C050AED2468AB8A17AD84E5D"},
    {"4.3", "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F",
     "00112233445566778899AABBCCDDEEFF", "64E8C3F9CE0F5BA263E9777905818A2A93C8191E7D6E8AE7"},
    {"4.4", "000102030405060708090A0B0C0D0E0F1011121314151617",
     "00112233445566778899AABBCCDDEEFF0001020304050607",
     "031D33264E15D33268F24EC260743EDCE1C6C7DDEE725A936BA814915C6762D2"},
    {"4.5", "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F",
     "00112233445566778899AABBCCDDEEFF0001020304050607",
     "A8F9BC1612C68B3FF6E6F4FBE30E71E4769C8B80A32CB8958CD5D17D6B254DA1"},
    {"4.6", "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F",
     "00112233445566778899AABBCCDDEEFF000102030405060708090A0B0C0D0E0F",
     "28C9F404C4B810F4CBCCB35CFB87F8263F5786E2D80ED326CBC7F0E71A99F43BFB988B9B7A02DD21"},
};

TEST(AesKeyWrapTest, VectorsOfRfc3394) {
  for (const WrapVector& v : kRfc3394) {
    const SecretBytes kek = secret_from_hex(v.kek).value();
    const SecretBytes key = secret_from_hex(v.key).value();
    const Bytes wrapped = aes_kw_wrap(kek, key).value();
    EXPECT_EQ(to_hex_upper(wrapped), v.wrapped) << v.section;
    EXPECT_TRUE(aes_kw_unwrap(kek, wrapped).value() == key) << v.section;
  }
}

TEST(AesKeyWrapTest, UnwrapRefusesChangesAndSizes) {
  const SecretBytes kek = repeated(1);
  const Bytes wrapped = aes_kw_wrap(kek, repeated(2)).value();
  for (std::size_t i = 0; i < wrapped.size(); ++i) {
    Bytes changed = wrapped;
    changed[i] ^= 0x40;
    EXPECT_EQ(aes_kw_unwrap(kek, changed).error().reason, Reason::DecryptFailed);
  }
  EXPECT_EQ(aes_kw_unwrap(repeated(3), wrapped).error().reason, Reason::DecryptFailed);
  for (const std::size_t size : {0u, 8u, 16u, 23u, 39u}) {
    EXPECT_EQ(aes_kw_unwrap(kek, ByteView(wrapped).first(size)).error().reason,
              Reason::InvalidArgument);
  }
  for (const std::size_t size : {0u, 8u, 15u, 17u}) {
    EXPECT_EQ(aes_kw_wrap(kek, repeated(2, size)).error().reason, Reason::InvalidArgument);
  }
  EXPECT_EQ(aes_kw_wrap(repeated(1, 20), repeated(2)).error().reason, Reason::InvalidArgument);
  EXPECT_EQ(aes_kw_unwrap(repeated(1, 20), wrapped).error().reason, Reason::InvalidArgument);
  EXPECT_EQ(ERR_peek_error(), 0u);
}

}  // namespace
}  // namespace keyhaven::crypto
