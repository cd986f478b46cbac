#include "unit/wrapped_dek.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "crypto/aead.h"
#include "crypto/random.h"
#include "tke/document_for_tests.h"
#include "unit/root_key.h"

namespace keyhaven::unit {
namespace {

TEST(WrappedDekTest, WorkedExampleOfTheDocument) {
  const tke::DocumentExample example(KH_SOURCE_DIR, "wrapped-dek.md");
  const AadList aad = {"tenant-7", "table-42"};
  const SecretBytes material = SecretBytes::copy_of(example.bytes("material"));
  const Bytes wrapped = example.bytes("wrapped-dek");
  const Bytes encoded = encode_aad(aad).value();
  EXPECT_EQ(to_hex(encoded), to_hex(example.bytes("encoded-aad")));
  EXPECT_EQ(to_hex(commitment_of_material(material)), to_hex(example.bytes("commitment")));
  EXPECT_EQ(to_hex(derive_wrapping_key(material).expose()), to_hex(example.bytes("wrapping-key")));
  EXPECT_EQ(to_hex(commitment_of(wrapped).value()), to_hex(example.bytes("commitment")));

  // Sealing with the example's nonce gives the example's bytes.
  Bytes bound(wrapped.begin(), wrapped.begin() + kWrappedDekHeaderSize);
  append(bound, encoded);
  crypto::XaesKey key(derive_wrapping_key(material));
  Bytes made(wrapped.begin(), wrapped.begin() + kWrappedDekHeaderSize);
  append(made, example.bytes("nonce"));
  append(made,
         key.seal_with_nonce_for_vectors(example.bytes("nonce"), example.bytes("dek"), bound));
  EXPECT_EQ(to_hex(made), to_hex(wrapped));
  crypto::XaesContexts contexts;
  EXPECT_EQ(to_hex(RootKey(material, contexts).unwrap(wrapped, aad)->expose()),
            to_hex(example.bytes("dek")));
}

TEST(WrappedDekTest, AadEncodingIsUnambiguous) {
  const AadList kLists[] = {{}, {""}, {"ab"}, {"a", "b"}, {"ab", ""}, {"", "ab"}, {"b", "a"}};
  for (std::size_t i = 0; i < std::size(kLists); ++i) {
    for (std::size_t k = 0; k < std::size(kLists); ++k) {
      EXPECT_EQ(*encode_aad(kLists[i]) == *encode_aad(kLists[k]), i == k) << i << " " << k;
    }
  }
}

TEST(WrappedDekTest, AadLimits) {
  EXPECT_TRUE(encode_aad(AadList(kMaxAadEntries, "x")).has_value());
  EXPECT_EQ(encode_aad(AadList(kMaxAadEntries + 1, "x")).error().reason, Reason::InvalidField);
  EXPECT_TRUE(encode_aad({std::string(kMaxAadEntryBytes, 'x')}).has_value());
  EXPECT_EQ(encode_aad({std::string(kMaxAadEntryBytes + 1, 'x')}).error().reason,
            Reason::InvalidField);
}

class RootKeyTest : public testing::Test {
 protected:
  crypto::XaesContexts contexts_;
  RootKey key_{crypto::random_secret(32), contexts_};
  SecretBytes dek_ = crypto::random_secret(32);
  AadList aad_ = {"tenant", "table"};
};

TEST_F(RootKeyTest, WrongOrMissingAadIsOneAnswer) {
  const Bytes wrapped = key_.wrap(dek_.expose(), aad_).value();
  for (const AadList& aad :
       {AadList{}, {"tenant"}, {"table", "tenant"}, {"tenanttable"}, {"tenant", "table", ""}}) {
    const auto opened = key_.unwrap(wrapped, aad);
    ASSERT_FALSE(opened.has_value());
    EXPECT_EQ(opened.error().reason, Reason::CiphertextInvalid);
  }
  EXPECT_TRUE(*key_.unwrap(wrapped, aad_) == dek_);
}

TEST_F(RootKeyTest, EveryBitFlipIsRefused) {
  const Bytes wrapped = key_.wrap(dek_.expose(), aad_).value();
  for (std::size_t bit = 0; bit < wrapped.size() * 8; ++bit) {
    Bytes changed = wrapped;
    changed[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
    const auto opened = key_.unwrap(changed, aad_);
    ASSERT_FALSE(opened.has_value()) << bit;
    EXPECT_EQ(opened.error().reason, bit < 32 ? Reason::NotACiphertext : Reason::CiphertextInvalid)
        << bit;
  }
}

TEST_F(RootKeyTest, EveryTruncationAndTrailingByteIsRefused) {
  Bytes wrapped = key_.wrap(dek_.expose(), aad_).value();
  for (std::size_t size = 0; size < wrapped.size(); ++size) {
    const auto opened = key_.unwrap(ByteView(wrapped).first(size), aad_);
    ASSERT_FALSE(opened.has_value()) << size;
    EXPECT_EQ(opened.error().reason,
              size <= kWrappedDekOverhead ? Reason::NotACiphertext : Reason::CiphertextInvalid)
        << size;
  }
  wrapped.push_back(0);
  EXPECT_EQ(key_.unwrap(wrapped, aad_).error().reason, Reason::CiphertextInvalid);
}

TEST_F(RootKeyTest, DekSizes) {
  EXPECT_EQ(key_.wrap({}, {}).error().reason, Reason::InvalidField);
  for (std::size_t size : {std::size_t{1}, kMaxDekBytes}) {
    const SecretBytes dek = crypto::random_secret(size);
    const Bytes wrapped = key_.wrap(dek.expose(), {}).value();
    EXPECT_EQ(wrapped.size(), size + kWrappedDekOverhead);
    EXPECT_TRUE(*key_.unwrap(wrapped, {}) == dek);
  }
  EXPECT_EQ(key_.wrap(crypto::random_secret(kMaxDekBytes + 1).expose(), {}).error().reason,
            Reason::InvalidField);
}

TEST_F(RootKeyTest, AnotherKeyIsRefusedEvenUnderTheSameCommitment) {
  RootKey other(crypto::random_secret(32), contexts_);
  const Bytes wrapped = key_.wrap(dek_.expose(), {}).value();
  EXPECT_EQ(other.unwrap(wrapped, {}).error().reason, Reason::CiphertextInvalid);
  Bytes claimed = wrapped;
  std::copy(other.commitment().begin(), other.commitment().end(), claimed.begin() + 4);
  EXPECT_EQ(other.unwrap(claimed, {}).error().reason, Reason::CiphertextInvalid);
}

RC_GTEST_PROP(RootKeyPropertyTest, UnwrapOfWrapIsIdentity, ()) {
  const auto size = *rc::gen::element<std::size_t>(16, 24, 32);
  const SecretBytes material = crypto::random_secret(size);
  crypto::XaesContexts contexts;
  crypto::XaesContexts others;
  RootKey one(material, contexts);
  RootKey equal(material, others);  // equal material, another object: opens equally
  const auto dek = *rc::gen::nonEmpty(rc::gen::arbitrary<Bytes>());
  const auto aad = *rc::gen::arbitrary<AadList>();
  const Bytes wrapped = one.wrap(dek, aad).value();
  RC_ASSERT(to_bytes(equal.unwrap(wrapped, aad)->expose()) == dek);
  RC_ASSERT(*commitment_of(wrapped) == equal.commitment());
  RC_ASSERT(one.wrap(dek, aad).value() != wrapped);  // fresh nonce
}

RC_GTEST_PROP(RootKeyPropertyTest, UnwrappingArbitraryBytesIsRefused, (Bytes bytes)) {
  static crypto::XaesContexts contexts;
  static RootKey key(crypto::random_secret(32), contexts);
  RC_ASSERT(!key.unwrap(bytes, {}).has_value());
  Bytes prefixed = {'K', 'W', 1, 1};
  append(prefixed, key.commitment());
  append(prefixed, bytes);
  RC_ASSERT(!key.unwrap(prefixed, {}).has_value());
}

}  // namespace
}  // namespace keyhaven::unit
