#include "crypto/certificate.h"

#include <arpa/inet.h>
#include <openssl/pem.h>
#include <openssl/rand.h>

#include <algorithm>
#include <climits>
#include <ctime>

#include "crypto/algorithms.h"
#include "crypto/handles.h"

namespace keyhaven::crypto {

namespace {

constexpr std::int64_t kSecondsPerDay = 86'400;
constexpr std::int64_t kCaDays = 3'653;            // ten years
constexpr std::int64_t kClockSkewSeconds = 3'600;  // a client's clock may be this much behind
constexpr std::size_t kMostNames = 100;

Error invalid(std::string message) {
  return Error{Reason::InvalidArgument, std::move(message), {}};
}

// Never asks a terminal for a password.
int no_password(char*, int, int, void*) { return -1; }

BioPtr reader_of(std::string_view text) {
  KH_ASSERT(text.size() <= INT_MAX);
  if (text.empty()) text = "\n";  // OpenSSL refuses a null address
  return BioPtr(not_null(BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))));
}

std::string_view content_of(BIO* bio) {
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio, &text);
  KH_ASSERT(size > 0);
  return {text, static_cast<std::size_t>(size)};
}

void set_random_serial(X509* certificate) {
  std::uint8_t bytes[16];
  if (RAND_bytes(bytes, sizeof bytes) != 1)
    fatal(__FILE__, __LINE__, "the random generator failed");
  bytes[0] = static_cast<std::uint8_t>((bytes[0] & 0x7F) | 0x40);  // positive, always 16 bytes
  const BnPtr number(not_null(BN_bin2bn(bytes, sizeof bytes, nullptr)));
  not_null(BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)));
}

X509NamePtr name_with(const std::string& common_name) {
  X509NamePtr name(not_null(X509_NAME_new()));
  const auto add = [&](const char* field, const std::string& value) {
    KH_OPENSSL(X509_NAME_add_entry_by_txt(name.get(), field, MBSTRING_UTF8,
                                          reinterpret_cast<const unsigned char*>(value.data()),
                                          static_cast<int>(value.size()), -1, 0));
  };
  add("O", "Keyhaven");
  add("CN", common_name);
  return name;
}

// A version-3 certificate without extensions and signature. `from` is moved back by the allowed
// skew.
X509Ptr new_certificate(EVP_PKEY* subject_key, const X509_NAME* subject, const X509_NAME* issuer,
                        Timestamp from, Timestamp until) {
  X509Ptr out(not_null(X509_new()));
  KH_OPENSSL(X509_set_version(out.get(), X509_VERSION_3));
  set_random_serial(out.get());
  not_null(ASN1_TIME_set(X509_getm_notBefore(out.get()), from.seconds() - kClockSkewSeconds));
  not_null(ASN1_TIME_set(X509_getm_notAfter(out.get()), until.seconds()));
  KH_OPENSSL(X509_set_subject_name(out.get(), subject));
  KH_OPENSSL(X509_set_issuer_name(out.get(), issuer));
  KH_OPENSSL(X509_set_pubkey(out.get(), subject_key));
  return out;
}

// `value` is a constant of this file in the syntax of x509v3_config, never input.
void add_extension(X509* certificate, X509* issuer, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const X509ExtensionPtr extension(not_null(X509V3_EXT_conf_nid(nullptr, &context, nid, value)));
  KH_OPENSSL(X509_add_ext(certificate, extension.get(), -1));
}

IssuedCertificate sign_and_encode(X509* certificate, EVP_PKEY* issuer_key, EVP_PKEY* subject_key) {
  if (X509_sign(certificate, issuer_key, algorithms().sha256) <= 0) {
    fatal(__FILE__, __LINE__, "OpenSSL: X509_sign");
  }
  const BioPtr text(not_null(BIO_new(BIO_s_mem())));
  KH_OPENSSL(PEM_write_bio_X509(text.get(), certificate));
  const BioPtr key(not_null(BIO_new(BIO_s_mem())));  // wipes its buffer
  KH_OPENSSL(
      PEM_write_bio_PKCS8PrivateKey(key.get(), subject_key, nullptr, nullptr, 0, nullptr, nullptr));
  return {std::string(content_of(text.get())), SecretBytes::copy_of(content_of(key.get()))};
}

struct Authority {
  X509Ptr certificate;
  PkeyPtr key;
};

Result<Authority> read_authority(const std::string& ca_pem, const SecretBytes& ca_key_pem) {
  const BioPtr certificate_text = reader_of(ca_pem);
  const BioPtr key_text = reader_of(as_text(ca_key_pem.expose()));
  Authority out{X509Ptr(PEM_read_bio_X509(certificate_text.get(), nullptr, no_password, nullptr)),
                PkeyPtr(PEM_read_bio_PrivateKey_ex(key_text.get(), nullptr, no_password, nullptr,
                                                   nullptr, nullptr))};
  if (!out.certificate) return invalid("the CA certificate is not a PEM certificate");
  if (!out.key) return invalid("the CA key is not an unencrypted PEM private key");
  if (X509_check_ca(out.certificate.get()) != 1)
    return invalid("the CA certificate is not one of a CA");
  if (X509_check_private_key(out.certificate.get(), out.key.get()) != 1) {
    return invalid("the CA key does not belong to the CA certificate");
  }
  return out;
}

bool is_dns_name(std::string_view name) noexcept {
  if (name.empty() || name.size() > 253 || name.front() == '.' || name.back() == '.') return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '*' || c == '_';
  });
}

// 4 or 16 bytes; empty when the text is no address.
Bytes address_bytes(const std::string& text) {
  Bytes out(16);
  if (::inet_pton(AF_INET6, text.c_str(), out.data()) == 1) return out;
  out.resize(4);
  if (::inet_pton(AF_INET, text.c_str(), out.data()) == 1) return out;
  return {};
}

// Built from values, not from configuration text, in which a comma in a name would begin another
// name.
void push_name(GENERAL_NAMES* names, int type, ByteView content) {
  GENERAL_NAME* const name = not_null(GENERAL_NAME_new());
  ASN1_STRING* const value =
      not_null(ASN1_STRING_type_new(type == GEN_DNS ? V_ASN1_IA5STRING : V_ASN1_OCTET_STRING));
  KH_OPENSSL(ASN1_STRING_set(value, content.data(), static_cast<int>(content.size())));
  GENERAL_NAME_set0_value(name, type, value);
  KH_ASSERT(sk_GENERAL_NAME_push(names, name) > 0);
}

Result<GeneralNamesPtr> alternative_names(const std::vector<std::string>& dns_names,
                                          const std::vector<std::string>& ip_addresses) {
  if (dns_names.empty() && ip_addresses.empty()) {
    return invalid("a server certificate needs a DNS name or an IP address");
  }
  if (dns_names.size() + ip_addresses.size() > kMostNames) {
    return invalid("a server certificate has at most 100 names");
  }
  GeneralNamesPtr names(not_null(GENERAL_NAMES_new()));
  for (const std::string& name : dns_names) {
    if (!is_dns_name(name)) return invalid("not a DNS name: " + name);
    push_name(names.get(), GEN_DNS, as_bytes(name));
  }
  for (const std::string& address : ip_addresses) {
    const Bytes bytes = address_bytes(address);
    if (bytes.empty()) return invalid("not an IP address: " + address);
    push_name(names.get(), GEN_IPADD, bytes);
  }
  return names;
}

Result<Timestamp> end_of(const X509* certificate) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &parts) != 1) {
    return invalid("the certificate has no valid end");
  }
  return Timestamp::from_seconds(::timegm(&parts));
}

}  // namespace

IssuedCertificate make_ca(const std::string& common_name, Timestamp now) {
  KH_ASSERT(!common_name.empty() &&
            common_name.size() <= 64);  // ub-common-name, RFC 5280 appendix A.1
  const PkeyPtr key(not_null(EVP_EC_gen("P-256")));
  const X509NamePtr name = name_with(common_name);
  const X509Ptr certificate = new_certificate(key.get(), name.get(), name.get(), now,
                                              now.plus_seconds(kCaDays * kSecondsPerDay));
  X509* const self = certificate.get();
  add_extension(self, self, NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
  add_extension(self, self, NID_key_usage, "critical,keyCertSign,cRLSign");
  add_extension(self, self, NID_subject_key_identifier, "hash");
  return sign_and_encode(self, key.get(), key.get());
}

Result<IssuedCertificate> issue_server_certificate(const std::string& ca_pem,
                                                   const SecretBytes& ca_key_pem,
                                                   const std::vector<std::string>& dns_names,
                                                   const std::vector<std::string>& ip_addresses,
                                                   Timestamp now, int days) {
  const ErrorMark mark;
  if (days < 1) return invalid("a certificate is valid for at least one day");
  const Authority authority = KH_TRY(read_authority(ca_pem, ca_key_pem));
  const GeneralNamesPtr names = KH_TRY(alternative_names(dns_names, ip_addresses));
  const Timestamp ca_end = KH_TRY(end_of(authority.certificate.get()));
  if (ca_end <= now) return invalid("the CA certificate has expired");

  const PkeyPtr key(not_null(EVP_EC_gen("P-256")));
  const Timestamp end = std::min(now.plus_seconds(days * kSecondsPerDay), ca_end);
  const X509Ptr certificate =
      new_certificate(key.get(), name_with("Keyhaven server").get(),
                      X509_get_subject_name(authority.certificate.get()), now, end);
  X509* const issuer = authority.certificate.get();
  add_extension(certificate.get(), issuer, NID_basic_constraints, "critical,CA:FALSE");
  add_extension(certificate.get(), issuer, NID_key_usage, "critical,digitalSignature");
  add_extension(certificate.get(), issuer, NID_ext_key_usage, "serverAuth");
  add_extension(certificate.get(), issuer, NID_subject_key_identifier, "hash");
  add_extension(certificate.get(), issuer, NID_authority_key_identifier, "keyid");
  KH_OPENSSL(X509_add1_ext_i2d(certificate.get(), NID_subject_alt_name, names.get(), 0,
                               X509V3_ADD_DEFAULT));
  return sign_and_encode(certificate.get(), authority.key.get(), key.get());
}

Result<Timestamp> not_after(const std::string& certificate_pem) {
  const ErrorMark mark;
  const BioPtr text = reader_of(certificate_pem);
  const X509Ptr certificate(PEM_read_bio_X509(text.get(), nullptr, no_password, nullptr));
  if (!certificate) return invalid("not a PEM certificate");
  return end_of(certificate.get());
}

}  // namespace keyhaven::crypto
