#include "tke/signer_file.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace keyhaven::tke {
namespace {

SignerReference token_key() {
  SignerReference out;
  out.name = "alice";
  out.ski.fill(0xAB);
  out.uri = "pkcs11:token=ops;object=alice?module-path=/usr/lib/m.so";
  return out;
}

SignerReference service_key() {
  SignerReference out;
  out.place = SignerPlace::Service;
  out.name = "bob";
  out.service_url = "https://sign.example:8443/v1";
  out.service_key = "bob-1";
  return out;
}

TEST(SignerFileTest, RoundTrip) {
  for (const SignerReference& reference : {token_key(), service_key()}) {
    const auto read = parse_signer_reference(encode_signer_reference(reference).value());
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_TRUE(*read == reference);
  }
}

TEST(SignerFileTest, RefusesWhatItWouldNotWrite) {
  const auto with = [](SignerReference reference, auto change) {
    change(reference);
    return reference;
  };
  const SignerReference kCases[] = {
      with(token_key(), [](SignerReference& r) { r.name.clear(); }),
      with(token_key(), [](SignerReference& r) { r.name.assign(31, 'x'); }),
      with(token_key(), [](SignerReference& r) { r.name = "a\nb"; }),
      with(token_key(), [](SignerReference& r) { r.uri = "pkcs11:object=alice;token=ops"; }),
      with(token_key(), [](SignerReference& r) { r.uri = "pkcs11:pin-value=1"; }),
      with(service_key(), [](SignerReference& r) { r.service_url = "http://sign.example"; }),
      with(service_key(), [](SignerReference& r) { r.service_url += std::string(1024, 'x'); }),
      with(service_key(), [](SignerReference& r) { r.service_key = "a/b"; }),
  };
  for (const SignerReference& reference : kCases) {
    EXPECT_FALSE(encode_signer_reference(reference)) << reference.uri << reference.service_url;
  }
  for (const char* text :
       {"", "{}", R"({"keyType":"p521ec"})", R"({"keyType":"keyhaven-token-key"})"})
    EXPECT_FALSE(parse_signer_reference(text)) << text;
}

RC_GTEST_PROP(SignerFileTest, ReaderIsTotal, (const std::string& text)) {
  RC_ASSERT(!parse_signer_reference(text));
}

}  // namespace
}  // namespace keyhaven::tke
