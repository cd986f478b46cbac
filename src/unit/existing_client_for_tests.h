// An existing client of the administration protocol, written from the format notes alone
// (instances-tke-iam.md 3.1 to 3.12): its own frames, DER, offsets and checks, nothing of tke/.
// What it cannot read, such a client cannot read either.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "crypto/ec.h"
#include "crypto/hash.h"

namespace keyhaven::existing_client {

using crypto::P521PrivateKey;
using crypto::P521PublicKey;

inline Bytes join(std::initializer_list<Bytes> parts) {
  Bytes out;
  for (const Bytes& part : parts) append(out, part);
  return out;
}
inline Bytes u32(std::uint32_t value) {
  return {static_cast<std::uint8_t>(value >> 24), static_cast<std::uint8_t>(value >> 16),
          static_cast<std::uint8_t>(value >> 8), static_cast<std::uint8_t>(value)};
}
inline std::uint32_t u32_at(const Bytes& bytes, std::size_t at) {
  return std::uint32_t{bytes.at(at)} << 24 | std::uint32_t{bytes.at(at + 1)} << 16 |
         std::uint32_t{bytes.at(at + 2)} << 8 | bytes.at(at + 3);
}
inline Bytes part_of(const Bytes& bytes, std::size_t at, std::size_t size) {
  if (at + size > bytes.size()) {
    ADD_FAILURE() << "a field ends outside the answer";
    return Bytes(size);
  }
  return {bytes.begin() + static_cast<std::ptrdiff_t>(at),
          bytes.begin() + static_cast<std::ptrdiff_t>(at + size)};
}
inline Bytes tlv(std::uint8_t tag, const Bytes& content) {
  Bytes out = {tag};
  if (content.size() >= 256) {
    out.insert(out.end(), {0x82, static_cast<std::uint8_t>(content.size() >> 8),
                           static_cast<std::uint8_t>(content.size())});
  } else if (content.size() >= 128) {
    out.insert(out.end(), {0x81, static_cast<std::uint8_t>(content.size())});
  } else {
    out.push_back(static_cast<std::uint8_t>(content.size()));
  }
  append(out, content);
  return out;
}
inline Bytes octets(const Bytes& content) { return tlv(0x04, content); }

struct Element {
  std::uint8_t tag = 0;
  Bytes content;
};
// Elements one after another.
inline std::vector<Element> elements(const Bytes& bytes) {
  std::vector<Element> out;
  for (std::size_t at = 0; at + 2 <= bytes.size();) {
    std::size_t size = bytes[at + 1];
    std::size_t head = 2;
    if (size > 0x80) {
      const std::size_t count = size & 0x7F;
      size = 0;
      for (std::size_t i = 0; i < count; ++i) size = size << 8 | bytes.at(at + 2 + i);
      head += count;
    }
    out.push_back({bytes[at], part_of(bytes, at + head, size)});
    at += head + size;
  }
  return out;
}
// Contents of the OCTET STRINGs of one SEQUENCE.
inline std::vector<Bytes> fields(const Bytes& der) {
  const auto outer = elements(der);
  EXPECT_EQ(outer.size(), 1u);
  std::vector<Bytes> out;
  if (outer.empty()) return out;
  EXPECT_EQ(outer[0].tag, 0x30);
  for (const Element& field : elements(outer[0].content)) {
    EXPECT_EQ(field.tag, 0x04);
    out.push_back(field.content);
  }
  return out;
}

inline Bytes signer_info(const P521PrivateKey& key, const Bytes& block) {
  static const Bytes sha512 = from_hex("300d06096086480165030402030500").value();
  static const Bytes ecdsa = from_hex("300c06082a8648ce3d0403040500").value();
  const Digest ski = crypto::sha256(key.public_key().point());
  return tlv(0x30, join({{0x02, 0x01, 0x03},
                         tlv(0x80, Bytes(ski.begin(), ski.end())),
                         sha512,
                         ecdsa,
                         octets(key.sign_sha512_der(block))}));
}

// X.509 version 3 as in 3.7.
inline Bytes certificate(const std::string& name, const P521PrivateKey& key) {
  std::string padded = name;
  padded.resize(30, ' ');
  const auto text = [](std::uint8_t tag, std::string_view value) {
    return tlv(tag, to_bytes(as_bytes(value)));
  };
  const auto rdn = [&](const char* oid, const std::string& value) {
    return tlv(0x31, tlv(0x30, join({tlv(0x06, from_hex(oid).value()), text(0x13, value)})));
  };
  const Bytes names = tlv(0x30, join({rdn("55040b", "TKE Administration"), rdn("550403", padded)}));
  const Bytes algorithm = from_hex("300a06082a8648ce3d040304").value();
  const Digest ski = crypto::sha256(key.public_key().point());
  const Bytes extension = tlv(
      0x30, join({from_hex("0603551d0e").value(), octets(octets(Bytes(ski.begin(), ski.end())))}));
  const Bytes validity =
      tlv(0x30, join({text(0x18, "20000101000000Z"), text(0x18, "21001231235959Z")}));
  const Bytes tbs = tlv(0x30, join({from_hex("a003020102").value(),
                                    {0x02, 0x01, 0x00},
                                    algorithm,
                                    names,
                                    validity,
                                    names,
                                    key.public_key().spki(),
                                    tlv(0xA3, tlv(0x30, extension))}));
  EXPECT_EQ(tbs.size(), 409u);
  return tlv(0x30, join({tbs, algorithm, tlv(0x03, join({{0x00}, key.sign_sha512_der(tbs)}))}));
}

struct Answer {
  std::uint32_t return_code = 0;
  std::uint32_t reason_code = 0;
  Bytes domain;  // 8: index, instance
  Bytes module_id;
  Bytes counter;
  Bytes output;
  Bytes block;
};

// One unit as the client sees it. `post` carries a request text to it and returns the answer text.
class Unit {
 public:
  using Post = std::function<std::string(const std::string&)>;
  Unit(Post post, std::uint32_t module, std::uint32_t domain, std::string serial_number)
      : post_(std::move(post)),
        module_(module),
        domain_(domain),
        serial_number_(std::move(serial_number)) {}

  static std::string frame(std::uint32_t module, std::uint32_t domain, const Bytes& payload) {
    const Bytes cprb =
        join({from_hex("0020040000805434").value(), u32(0), u32(domain), u32(0), Bytes(8, 0),
              u32(static_cast<std::uint32_t>(payload.size())), payload});
    std::string hex = to_hex(cprb);
    for (char& c : hex) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    const std::string rest = ";PCI request;XPNUM   ;" + std::to_string(module) + ";        ;" + hex;
    return std::to_string(rest.size()) + rest;
  }
  static Bytes query_payload(std::uint32_t query, std::uint32_t domain, std::uint32_t block_domain,
                             const Bytes& input) {
    const Bytes block =
        tlv(0x30, join({octets(u32(query)), octets(join({u32(block_domain), u32(0)})), octets({}),
                        octets({}), octets(input)}));
    return request_payload(domain, block, {});
  }
  static Bytes request_payload(std::uint32_t domain, const Bytes& block, const Bytes& signatures) {
    return tlv(0x30, join({octets(u32(0x00010029)), octets(u32(domain)), octets(block),
                           octets(signatures)}));
  }
  static Bytes info_payload(std::uint32_t domain) {
    return tlv(
        0x30, join({octets(u32(0x00010026)), octets(u32(domain)), octets(u32(3)), octets(u32(0))}));
  }

  // Certificates 0, 1, ... until the signed end of the chain; the last must be signed by the root.
  void verify_chain(const P521PublicKey& root) {
    const Bytes first = parse(send(query_payload(0x00010003, domain_, 0, u32(0))), false).output;
    module_key_ = P521PublicKey::from_point(part_of(first, 216 + 25, 133)).value();
    query(0x0001000A);
    const Answer end = query(0x00010003, u32(1), 0);
    EXPECT_EQ(end.return_code, 96u);
    EXPECT_EQ(end.reason_code, 60u);

    ASSERT_EQ(first.size(), 584u);
    EXPECT_EQ(first[0], 0x45);
    EXPECT_EQ(u32_at(first, 4), 584u);
    for (std::size_t i = 0; i < 5; ++i) {
      EXPECT_EQ(u32_at(first, 8 + 4 * i), (std::array{4u, 173u, 0u, 158u, 207u})[i]);
    }
    const auto ski_of = [](const P521PublicKey& key) {
      const Digest ski = crypto::sha256(key.point());
      return Bytes(ski.begin(), ski.end());
    };
    EXPECT_EQ(part_of(first, 40 + 87, 32), ski_of(*module_key_));
    EXPECT_EQ(part_of(first, 40 + 121, 32), ski_of(root));
    EXPECT_EQ(part_of(first, 376 + 8, 32), ski_of(root));
    crypto::P521Signature signature;
    const Bytes r = part_of(first, 376 + 73, 66);
    const Bytes s = part_of(first, 376 + 141, 66);
    std::copy(r.begin(), r.end(), signature.r.begin());
    std::copy(s.begin(), s.end(), signature.s.begin());
    EXPECT_TRUE(root.verify_sha512(part_of(first, 0, 376), signature));
  }

  Answer query(std::uint32_t id, const Bytes& input = {},
               std::optional<std::uint32_t> domain = {}) {
    return parse(send(query_payload(id, domain_, domain.value_or(domain_), input)), true);
  }

  struct Info {
    Bytes current;
    Bytes pending;
    std::uint32_t flags = 0;
  };
  Info domain_info() {
    const auto parts = fields(payload_of(send(info_payload(domain_))));
    EXPECT_EQ(parts.size(), 4u);
    EXPECT_EQ(parts.at(2), u32(0));
    EXPECT_GE(parts.at(3).size(), 80u);
    EXPECT_EQ(u32_at(parts[3], 0), domain_);
    return {part_of(parts[3], 4, 32), part_of(parts[3], 36, 32), u32_at(parts[3], 68)};
  }

  // Query of the attributes, then the command on what it said.
  Answer command(std::uint32_t id, const Bytes& input,
                 const std::vector<const P521PrivateKey*>& signers) {
    const Bytes block = next_block(id, input);
    Bytes signatures;
    for (const auto* signer : signers) append(signatures, signer_info(*signer, block));
    signature_counts_.push_back({id, signers.size()});
    return parse(send(request_payload(domain_, block, signatures)), true);
  }
  // Inner block signed, envelope not, both with the same counter.
  Answer import(const Bytes& recipient_info, const P521PrivateKey& signer) {
    const Bytes inner = next_block(0x0C, recipient_info);
    const Bytes request = request_payload(domain_, inner, signer_info(signer, inner));
    signature_counts_.push_back({0x0C, 0});
    return parse(send(request_payload(domain_, block_of(0x0C, request), {})), true);
  }

  struct Sent {
    std::uint32_t command;
    std::size_t signatures;
    bool operator==(const Sent&) const = default;
  };
  const std::vector<Sent>& sent() const { return signature_counts_; }
  int posts() const { return posts_; }

 private:
  Bytes next_block(std::uint32_t id, const Bytes& input) {
    state_ = query(0x0001000A);
    for (std::size_t i = state_.counter.size(); i-- > 0 && ++state_.counter[i] == 0;) {
    }
    return block_of(id, input);
  }
  Bytes block_of(std::uint32_t id, const Bytes& input) const {
    return tlv(0x30, join({octets(u32(id)), octets(state_.domain), octets(state_.module_id),
                           octets(state_.counter), octets(input)}));
  }
  std::string send(const Bytes& payload) {
    ++posts_;
    return post_(frame(module_, domain_, payload));
  }
  static Bytes payload_of(const std::string& text) {
    const auto first = text.find(';');
    const auto second = text.find(';', first + 1);
    const std::string info = text.substr(first + 1, second - first - 1);
    EXPECT_GE(info.size(), 156u);
    EXPECT_EQ(info.substr(0, 2), "00");
    const Bytes cprb = from_hex(text.substr(second + 1)).value();
    EXPECT_GE(cprb.size(), 32u);
    EXPECT_EQ(u32_at(cprb, 16), 0u);
    return part_of(cprb, 32, u32_at(cprb, 28));
  }
  Answer parse(const std::string& text, bool verify) {
    const auto response = fields(payload_of(text));
    Answer out;
    if (response.size() != 5) {
      ADD_FAILURE() << "the short form of an error";
      return out;
    }
    EXPECT_EQ(response[0], u32(0x00010029));
    EXPECT_EQ(response[1], u32(domain_));
    EXPECT_EQ(response[2], u32(0));
    if (verify) verify_signature(response[3], response[4]);
    const auto block = fields(response[3]);
    EXPECT_EQ(block.size(), 6u);
    out.domain = block.at(1);
    out.module_id = block.at(2);
    out.counter = block.at(3);
    out.return_code = u32_at(block.at(4), 0);
    out.output = block.at(5);
    out.block = response[3];
    if (out.return_code != 0 && out.output.size() >= 4) out.reason_code = u32_at(out.output, 0);
    EXPECT_EQ(out.domain.size(), 8u);
    EXPECT_EQ(out.module_id.size(), 16u);
    EXPECT_EQ(out.counter.size(), 16u);
    EXPECT_EQ(as_text(ByteView(out.module_id).first(8)), serial_number_);
    return out;
  }
  void verify_signature(const Bytes& block, const Bytes& infos) const {
    const auto outer = elements(infos);
    ASSERT_GE(outer.size(), 1u);
    const auto info = elements(outer[0].content);
    ASSERT_EQ(info.size(), 5u);
    EXPECT_EQ(info[0].content, Bytes{3});
    const Digest ski = crypto::sha256(module_key_->point());
    EXPECT_EQ(info[1].tag, 0x80);
    EXPECT_EQ(info[1].content, Bytes(ski.begin(), ski.end()));
    EXPECT_EQ(part_of(info[2].content, 0, 11), from_hex("0609608648016503040203").value());
    EXPECT_EQ(part_of(info[3].content, 0, 10), from_hex("06082a8648ce3d040304").value());
    EXPECT_TRUE(module_key_->verify_sha512_der(block, info[4].content));
  }

  Post post_;
  std::uint32_t module_;
  std::uint32_t domain_;
  std::string serial_number_;
  std::optional<P521PublicKey> module_key_;
  Answer state_;
  std::vector<Sent> signature_counts_;
  int posts_ = 0;
};

}  // namespace keyhaven::existing_client
