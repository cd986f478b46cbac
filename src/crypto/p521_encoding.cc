#include "crypto/p521_encoding.h"

#include <algorithm>

namespace keyhaven::crypto {

namespace {

constexpr std::size_t kPemLine = 64;

// Fills a SecretBytes of known size from the front.
class Filler {
 public:
  explicit Filler(std::size_t size) : out_(size) {}
  void put(std::span<const std::uint8_t> bytes) {
    KH_ASSERT(bytes.size() <= out_.size() - at_);
    std::copy(bytes.begin(), bytes.end(),
              out_.expose_mutable().begin() + static_cast<std::ptrdiff_t>(at_));
    at_ += bytes.size();
  }
  void put(std::initializer_list<std::uint8_t> bytes) {
    put(std::span(bytes.begin(), bytes.size()));
  }
  void put(std::string_view text) { put(as_bytes(text)); }
  SecretBytes done() {
    out_.shrink(at_);
    return std::move(out_);
  }

 private:
  SecretBytes out_;
  std::size_t at_ = 0;
};

Error no_pem() {
  return Error{Reason::InvalidArgument,
               "not a PEM text with a private key (label PRIVATE KEY or EC PRIVATE KEY)",
               {}};
}

// The characters between the lines of the block, or nothing.
std::string_view pem_body(std::string_view text, std::string_view label) {
  const std::string begin = "-----BEGIN " + std::string(label) + "-----";
  const std::string end = "-----END " + std::string(label) + "-----";
  const std::size_t start = text.find(begin);
  if (start == std::string_view::npos) return {};
  text.remove_prefix(start + begin.size());
  const std::size_t stop = text.find(end);
  return stop == std::string_view::npos ? std::string_view{} : text.substr(0, stop);
}

}  // namespace

SecretBytes p521_sec1(std::span<const std::uint8_t> scalar, const P521Point& point) {
  KH_ASSERT(scalar.size() == kP521CoordinateSize);
  Filler out(223);
  out.put({0x30, 0x81, 0xdc});                                      // SEQUENCE
  out.put({0x02, 0x01, 0x01});                                      // version 1
  out.put({0x04, 0x42});                                            // OCTET STRING
  out.put(scalar);                                                  //
  out.put({0xa0, 0x07, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23});  // [0] secp521r1
  out.put({0xa1, 0x81, 0x89, 0x03, 0x81, 0x86, 0x00});              // [1] BIT STRING
  out.put(point);
  return out.done();
}

SecretBytes to_pem(std::string_view label, std::span<const std::uint8_t> der) {
  const SecretBytes base64 = secret_to_base64(der);
  const auto text = base64.expose();
  Filler out(text.size() + text.size() / kPemLine + 2 * label.size() + 64);
  out.put("-----BEGIN ");
  out.put(label);
  out.put("-----\n");
  for (std::size_t i = 0; i < text.size(); i += kPemLine) {
    out.put(text.subspan(i, std::min(kPemLine, text.size() - i)));
    out.put("\n");
  }
  out.put("-----END ");
  out.put(label);
  out.put("-----\n");
  return out.done();
}

Result<SecretBytes> from_pem_labelled(ByteView pem,
                                      std::initializer_list<std::string_view> labels) {
  for (const std::string_view label : labels) {
    const std::string_view body = pem_body(as_text(pem), label);
    if (body.empty()) continue;
    SecretBytes base64(body.size());
    std::size_t size = 0;
    for (const char c : body) {
      if (c == '\n' || c == '\r' || c == ' ' || c == '\t') continue;
      base64.expose_mutable()[size++] = static_cast<std::uint8_t>(c);
    }
    base64.shrink(size);
    auto der = secret_from_base64(as_text(base64.expose()));
    if (!der) return no_pem();
    return der;
  }
  return no_pem();
}

}  // namespace keyhaven::crypto
