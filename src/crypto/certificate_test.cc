#include "crypto/certificate.h"

#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>

#include "crypto/handles.h"

namespace keyhaven::crypto {
namespace {

const Timestamp kNow = parse_rfc3339("2031-05-17T09:30:00Z").value();

using StorePtr = std::unique_ptr<X509_STORE, Deleter<X509_STORE_free>>;
using StoreCtxPtr = std::unique_ptr<X509_STORE_CTX, Deleter<X509_STORE_CTX_free>>;

X509Ptr parse(const std::string& pem) {
  const BioPtr bio(not_null(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))));
  return X509Ptr(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
}

// As a TLS client does it: chain, purpose, time and strict form. Returns OpenSSL's reason.
std::string verify(const std::string& ca_pem, const std::string& server_pem, Timestamp at) {
  const X509Ptr ca = parse(ca_pem);
  const X509Ptr server = parse(server_pem);
  const StorePtr store(not_null(X509_STORE_new()));
  X509_STORE_add_cert(store.get(), ca.get());
  const StoreCtxPtr context(not_null(X509_STORE_CTX_new()));
  X509_STORE_CTX_init(context.get(), store.get(), server.get(), nullptr);
  X509_VERIFY_PARAM* const parameters = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_time(parameters, at.seconds());
  X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_X509_STRICT);
  X509_VERIFY_PARAM_set_purpose(parameters, X509_PURPOSE_SSL_SERVER);
  X509_verify_cert(context.get());
  return X509_verify_cert_error_string(X509_STORE_CTX_get_error(context.get()));
}

class CertificateTest : public testing::Test {
 protected:
  IssuedCertificate ca_ = make_ca("Test deployment CA", kNow);

  Result<IssuedCertificate> issue(const std::vector<std::string>& names,
                                  const std::vector<std::string>& addresses, int days = 90) {
    return issue_server_certificate(ca_.certificate_pem, ca_.private_key_pem, names, addresses,
                                    kNow, days);
  }
};

TEST_F(CertificateTest, ServerCertificateVerifiesWithinItsTime) {
  const IssuedCertificate server =
      std::move(issue({"kms.example.com", "localhost"}, {"127.0.0.1", "::1"})).value();
  EXPECT_EQ(verify(ca_.certificate_pem, server.certificate_pem, kNow), "ok");
  EXPECT_EQ(verify(ca_.certificate_pem, server.certificate_pem, kNow.plus_seconds(90 * 86'400 - 1)),
            "ok");
  EXPECT_NE(verify(ca_.certificate_pem, server.certificate_pem, kNow.plus_seconds(90 * 86'400 + 1)),
            "ok");
  EXPECT_NE(verify(ca_.certificate_pem, server.certificate_pem, kNow.plus_seconds(-86'400)), "ok");
  const IssuedCertificate other = make_ca("Test deployment CA", kNow);
  EXPECT_NE(verify(other.certificate_pem, server.certificate_pem, kNow), "ok");
}

TEST_F(CertificateTest, ServerCertificateNamesItsHosts) {
  const IssuedCertificate server =
      std::move(issue({"kms.example.com"}, {"192.0.2.7", "2001:db8::1"})).value();
  const X509Ptr parsed = parse(server.certificate_pem);
  EXPECT_EQ(X509_check_host(parsed.get(), "kms.example.com", 0, 0, nullptr), 1);
  EXPECT_EQ(X509_check_host(parsed.get(), "example.com", 0, 0, nullptr), 0);
  EXPECT_EQ(X509_check_ip_asc(parsed.get(), "192.0.2.7", 0), 1);
  EXPECT_EQ(X509_check_ip_asc(parsed.get(), "2001:db8::1", 0), 1);
  EXPECT_EQ(X509_check_ip_asc(parsed.get(), "192.0.2.8", 0), 0);
  EXPECT_EQ(X509_check_ca(parsed.get()), 0);
}

TEST_F(CertificateTest, CaSignsOnlyEndEntities) {
  const X509Ptr parsed = parse(ca_.certificate_pem);
  EXPECT_EQ(X509_check_ca(parsed.get()), 1);
  EXPECT_EQ(X509_get_pathlen(parsed.get()), 0);
  EXPECT_EQ(X509_get_key_usage(parsed.get()),
            static_cast<unsigned>(KU_KEY_CERT_SIGN | KU_CRL_SIGN));
}

TEST_F(CertificateTest, KeysBelongToTheirCertificatesAndSerialsDiffer) {
  const IssuedCertificate a = std::move(issue({"a.example"}, {})).value();
  const IssuedCertificate b = std::move(issue({"a.example"}, {})).value();
  const X509Ptr first = parse(a.certificate_pem);
  const X509Ptr second = parse(b.certificate_pem);
  EXPECT_NE(
      ASN1_INTEGER_cmp(X509_get0_serialNumber(first.get()), X509_get0_serialNumber(second.get())),
      0);
  const auto text = a.private_key_pem.expose();
  const BioPtr bio(not_null(BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))));
  const PkeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
  EXPECT_EQ(X509_check_private_key(first.get(), key.get()), 1);
  EXPECT_EQ(X509_check_private_key(second.get(), key.get()), 0);
  ERR_clear_error();
}

TEST_F(CertificateTest, NotAfterIsReadBackAndNeverBeyondTheCa) {
  EXPECT_EQ(format_rfc3339(not_after(issue({"a"}, {}, 30).value().certificate_pem).value()),
            "2031-06-16T09:30:00Z");
  const Timestamp ca_end = not_after(ca_.certificate_pem).value();
  EXPECT_EQ(format_rfc3339(ca_end), "2041-05-17T09:30:00Z");
  EXPECT_EQ(not_after(issue({"a"}, {}, 36'500).value().certificate_pem).value(), ca_end);
}

TEST_F(CertificateTest, RefusesBadNamesAndTimes) {
  const auto reason = [](const Result<IssuedCertificate>& issued) {
    return issued ? Reason::Internal : issued.error().reason;
  };
  EXPECT_EQ(reason(issue({}, {})), Reason::InvalidArgument);
  EXPECT_EQ(reason(issue({""}, {})), Reason::InvalidArgument);
  EXPECT_EQ(reason(issue({"a.example,IP:10.0.0.1"}, {})), Reason::InvalidArgument);
  EXPECT_EQ(reason(issue({"a b"}, {})), Reason::InvalidArgument);
  EXPECT_EQ(reason(issue({std::string(254, 'a')}, {})), Reason::InvalidArgument);
  EXPECT_EQ(reason(issue({}, {"300.0.0.1"})), Reason::InvalidArgument);
  EXPECT_EQ(reason(issue({}, {"localhost"})), Reason::InvalidArgument);
  EXPECT_EQ(reason(issue({"a"}, {}, 0)), Reason::InvalidArgument);
  EXPECT_EQ(reason(issue(std::vector<std::string>(101, "a"), {})), Reason::InvalidArgument);
}

TEST_F(CertificateTest, RefusesAWrongAuthority) {
  const IssuedCertificate other = make_ca("Other", kNow);
  const IssuedCertificate server = std::move(issue({"a"}, {})).value();
  const auto with = [](const std::string& pem, const SecretBytes& key, Timestamp now) {
    return issue_server_certificate(pem, key, {"a"}, {}, now, 1).has_value();
  };
  EXPECT_TRUE(with(ca_.certificate_pem, ca_.private_key_pem, kNow));
  EXPECT_FALSE(with(ca_.certificate_pem, other.private_key_pem, kNow));      // key of another CA
  EXPECT_FALSE(with(server.certificate_pem, server.private_key_pem, kNow));  // no CA
  EXPECT_FALSE(with("no pem", ca_.private_key_pem, kNow));
  EXPECT_FALSE(with("", ca_.private_key_pem, kNow));
  EXPECT_FALSE(with(ca_.certificate_pem, SecretBytes(), kNow));
  EXPECT_FALSE(with(ca_.certificate_pem, SecretBytes::copy_of("no pem"), kNow));
  EXPECT_FALSE(
      with(ca_.certificate_pem, ca_.private_key_pem, kNow.plus_seconds(11LL * 366 * 86'400)));
  EXPECT_EQ(not_after("no pem").error().reason, Reason::InvalidArgument);
  EXPECT_EQ(ERR_peek_error(), 0u);
}

}  // namespace
}  // namespace keyhaven::crypto
