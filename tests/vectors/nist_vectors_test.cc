// The text files of NIST CAVP and of the RFCs: lines "name = value", sections in brackets, comments
// after '#'.
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <sstream>

#include "case_counter.h"
#include "crypto/aead.h"
#include "crypto/ec.h"
#include "crypto/hash.h"

namespace keyhaven::vectors {
namespace {

struct Record {
  std::string section;
  std::map<std::string, std::string> fields;

  bool has(const std::string& name) const { return fields.count(name) != 0; }
  const std::string& text(const std::string& name) const { return fields.at(name); }
  Bytes bytes(const std::string& name) const { return hex(fields.at(name)); }
  SecretBytes secret(const std::string& name) const { return SecretBytes::copy_of(bytes(name)); }
};

std::string trimmed(const std::string& from) {
  const std::size_t begin = from.find_first_not_of(" \t\r");
  if (begin == std::string::npos) return {};
  return from.substr(begin, from.find_last_not_of(" \t\r") - begin + 1);
}

// Records begin with the field `first`: blank lines also stand inside them.
std::vector<Record> records_of(const std::string& file, const std::string& first) {
  std::vector<Record> out;
  std::string section;
  std::istringstream lines(read_data(file));
  for (std::string line; std::getline(lines, line);) {
    line = trimmed(line);
    if (line.empty() || line[0] == '#') continue;
    if (line[0] == '[') {
      section = line;
      continue;
    }
    const std::size_t equals = line.find('=');
    const std::string name = trimmed(line.substr(0, equals));  // the whole line for "FAIL"
    if (name == first) out.push_back({section, {}});
    if (out.empty()) continue;
    out.back().fields[name] = equals == std::string::npos ? "" : trimmed(line.substr(equals + 1));
  }
  return out;
}

// `run_case` returns why a record is skipped, or nothing when it was run.
void for_each_record(const std::string& file, const std::string& first, std::size_t run,
                     std::size_t total, const std::function<std::string(const Record&)>& run_case) {
  CaseCounter counter(file);
  std::size_t index = 0;
  for (const Record& record : records_of(file, first)) {
    SCOPED_TRACE(file + " " + record.section + " record " + std::to_string(index++));
    const std::string reason = run_case(record);
    reason.empty() ? counter.ran() : counter.skipped(reason);
  }
  counter.expect(run, total);
}

TEST(NistTest, KeyWrapEncryption) {
  for_each_record("KW_AE_256.txt", "COUNT", 500, 500, [](const Record& r) {
    const auto wrapped = crypto::aes_kw_wrap(r.secret("K"), r.secret("P"));
    EXPECT_EQ(wrapped.value(), r.bytes("C"));
    return std::string();
  });
}

TEST(NistTest, KeyWrapDecryption) {
  for_each_record("KW_AD_256.txt", "COUNT", 500, 500, [](const Record& r) {
    const auto key = crypto::aes_kw_unwrap(r.secret("K"), r.bytes("C"));
    EXPECT_EQ(key.has_value(), !r.has("FAIL"));
    if (key) {
      EXPECT_EQ(to_bytes(key->expose()), r.bytes("P"));
    } else {
      EXPECT_EQ(key.error().reason, Reason::DecryptFailed);
    }
    return std::string();
  });
}

TEST(NistTest, EcdsaP521Sha512) {
  const auto padded = [](const Record& r, const std::string& name) {
    const std::string& digits = r.text(name);
    return std::string(2 * crypto::kP521CoordinateSize - digits.size(), '0') + digits;
  };
  for_each_record("ECDSA_FIPS186-3_SigVer.rsp", "Msg", 15, 1125, [&](const Record& r) {
    if (r.section != "[P-521,SHA-512]") return std::string("another curve or hash");
    const bool valid = r.text("Result")[0] == 'P';
    const auto key =
        crypto::P521PublicKey::from_point(hex("04" + padded(r, "Qx") + padded(r, "Qy")));
    crypto::P521Signature signature;
    const Bytes r_bytes = hex(padded(r, "R"));
    const Bytes s_bytes = hex(padded(r, "S"));
    std::copy(r_bytes.begin(), r_bytes.end(), signature.r.begin());
    std::copy(s_bytes.begin(), s_bytes.end(), signature.s.begin());
    const Bytes message = r.bytes("Msg");
    EXPECT_EQ(key && key->verify_sha512(message, signature), valid);
    EXPECT_EQ(key && key->verify_sha512_der(message, der_signature(r_bytes, s_bytes)), valid);
    return std::string();
  });
}

TEST(RfcTest, HmacSha256) {
  for_each_record("rfc-4231-sha256.txt", "Len", 6, 6, [](const Record& r) {
    EXPECT_EQ(to_hex(crypto::hmac_sha256(r.bytes("Key"), r.bytes("Msg"))), r.text("MD"));
    return std::string();
  });
}

TEST(RfcTest, HkdfSha256) {
  for_each_record("rfc-5869-HKDF-SHA256.txt", "COUNT", 3, 3, [](const Record& r) {
    const Bytes info = r.bytes("info");
    const SecretBytes okm = crypto::hkdf_sha256(r.secret("IKM"), r.bytes("salt"), as_text(info),
                                                std::stoul(r.text("L")));
    EXPECT_EQ(to_hex(okm.expose()), r.text("OKM"));
    return std::string();
  });
}

}  // namespace
}  // namespace keyhaven::vectors
