// The fixed encodings of P-521 keys and the PEM around them. Internal to crypto/.
#pragma once

#include "base/bytes.h"
#include "base/secret_bytes.h"
#include "crypto/ec.h"

namespace keyhaven::crypto {

// SubjectPublicKeyInfo with a named curve (RFC 5480) has one DER form per point: these 25 bytes,
// then the point.
inline constexpr std::array<std::uint8_t, 25> kP521SpkiPrefix = {
    0x30, 0x81, 0x9b, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02,
    0x01, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23, 0x03, 0x81, 0x86, 0x00};

// ECPrivateKey (RFC 5915) with curve and public key. `scalar` has 66 bytes.
SecretBytes p521_sec1(std::span<const std::uint8_t> scalar, const P521Point& point);

// Text of a PEM block in lines of 64 characters.
SecretBytes to_pem(std::string_view label, std::span<const std::uint8_t> der);

// Content of the one PEM block of `pem` with one of the labels. Text before it is ignored, as RFC
// 7468 has it; text after it is not looked at. Errors: InvalidArgument.
Result<SecretBytes> from_pem_labelled(ByteView pem, std::initializer_list<std::string_view> labels);

}  // namespace keyhaven::crypto
