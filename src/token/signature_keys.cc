#include "token/signature_keys.h"

#include <algorithm>

#include "crypto/hash.h"

namespace keyhaven::token {

namespace {

const std::string kKind = "signature key (P-521)";
constexpr std::array<std::uint8_t, 7> kP521Oid = {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23};
constexpr std::array<std::uint8_t, 3> kOctetStringOfPoint = {0x04, 0x81, crypto::kP521PointSize};

bool is_p521(const std::optional<Bytes>& parameters) {
  return parameters && std::ranges::equal(*parameters, kP521Oid);
}

Result<CK_OBJECT_HANDLE> private_half(Session& session, const KeyName& name) {
  return find_key(session, CKO_PRIVATE_KEY, CKK_EC, name, kKind, "p521",
                  [&](CK_OBJECT_HANDLE key) -> Result<void> {
                    if (is_p521(KH_TRY(read_attribute(session, key, CKA_EC_PARAMS)))) return {};
                    return not_usable(session.core().who(), kKind, name,
                                      "it is on another curve than P-521");
                  });
}

// The public objects that belong to the private one: the same id, or the same label when it has
// no id.
Result<std::vector<CK_OBJECT_HANDLE>> public_halves(Session& session, const KeyName& full_name) {
  Template wanted;
  wanted.number(CKA_CLASS, CKO_PUBLIC_KEY).number(CKA_KEY_TYPE, CKK_EC).flag(CKA_TOKEN, true);
  wanted.name(full_name.id.empty() ? full_name : KeyName{{}, full_name.id});
  return find_objects(session, wanted, 4);
}

// The public key of a private one: from the private object where the token keeps it there, else
// from the public object.
Result<crypto::P521PublicKey> public_key_of(Session& session, CK_OBJECT_HANDLE private_key,
                                            const KeyName& full_name) {
  std::vector<CK_OBJECT_HANDLE> objects = KH_TRY(public_halves(session, full_name));
  objects.push_back(private_key);
  for (const CK_OBJECT_HANDLE object : objects) {
    const auto point = KH_TRY(read_attribute(session, object, CKA_EC_POINT));
    if (point && !point->empty()) return public_key_from_ec_point(*point);
  }
  return Error{Reason::NotFound,
               session.core().who() + ": the " + kKind + " with " + text_of(full_name) +
                   " has no public key in the token. Remedy: store the public key object beside "
                   "it, with the same CKA_ID",
               {}};
}

Error not_a_point() {
  return Error{Reason::InvalidArgument, "CKA_EC_POINT is not a point of curve P-521", {}};
}

}  // namespace

Result<crypto::P521PublicKey> public_key_from_ec_point(ByteView value) {
  const std::size_t prefix = kOctetStringOfPoint.size();
  if (value.size() == prefix + crypto::kP521PointSize &&
      std::ranges::equal(value.first(prefix), kOctetStringOfPoint)) {
    value = value.subspan(prefix);
  }
  if (value.size() != crypto::kP521PointSize) return not_a_point();
  return crypto::P521PublicKey::from_point(value);
}

Result<crypto::P521Signature> signature_from_token(ByteView value) {
  const std::size_t half = value.size() / 2;
  if (value.empty() || value.size() % 2 != 0 || half > crypto::kP521CoordinateSize) {
    return Error{
        Reason::InvalidArgument, "the token's signature has a size that r and s have not", {}};
  }
  crypto::P521Signature out;
  std::ranges::copy(value.first(half), out.r.end() - static_cast<std::ptrdiff_t>(half));
  std::ranges::copy(value.last(half), out.s.end() - static_cast<std::ptrdiff_t>(half));
  return out;
}

Result<SignatureKey> generate_signature(Session& session, const KeyName& name) {
  KH_TRY(check_name_is_free(session, CKO_PRIVATE_KEY, name));
  KH_TRY(check_name_is_free(session, CKO_PUBLIC_KEY, name));
  Template public_half;
  public_half.number(CKA_CLASS, CKO_PUBLIC_KEY)
      .number(CKA_KEY_TYPE, CKK_EC)
      .flag(CKA_TOKEN, true)
      .flag(CKA_VERIFY, true)
      .bytes(CKA_EC_PARAMS, kP521Oid)
      .name(name);
  Template private_half;
  private_half.number(CKA_CLASS, CKO_PRIVATE_KEY)
      .number(CKA_KEY_TYPE, CKK_EC)
      .flag(CKA_TOKEN, true)
      .flag(CKA_PRIVATE, true)
      .flag(CKA_SENSITIVE, true)
      .flag(CKA_EXTRACTABLE, false)
      .flag(CKA_SIGN, true)
      .name(name);
  CK_MECHANISM mechanism{CKM_EC_KEY_PAIR_GEN, nullptr, 0};
  CK_OBJECT_HANDLE public_key = CK_INVALID_HANDLE;
  CK_OBJECT_HANDLE private_key = CK_INVALID_HANDLE;
  KH_TRY(session.about_to_change());
  KH_TRY(session.check(session.functions().C_GenerateKeyPair(
                           session.handle(), &mechanism, public_half.data(), public_half.size(),
                           private_half.data(), private_half.size(), &public_key, &private_key),
                       "C_GenerateKeyPair"));
  crypto::P521PublicKey key = KH_TRY(public_key_of(session, private_key, name));
  return SignatureKey{name, std::move(key)};
}

Result<std::vector<SignatureKey>> list_signature(Session& session) {
  Template wanted;
  wanted.number(CKA_CLASS, CKO_PRIVATE_KEY).number(CKA_KEY_TYPE, CKK_EC).flag(CKA_TOKEN, true);
  std::vector<SignatureKey> out;
  for (const CK_OBJECT_HANDLE object : KH_TRY(find_objects(session, wanted, kMostSignatureKeys))) {
    const auto parameters = KH_TRY(read_attribute(session, object, CKA_EC_PARAMS));
    if (!is_p521(parameters)) continue;
    KeyName name = KH_TRY(read_name(session, object));
    Result<crypto::P521PublicKey> key = public_key_of(session, object, name);
    if (!key && session.failure().rv != CKR_OK) return std::move(key).error();
    if (!key) continue;  // a key whose public half is missing cannot sign for us
    out.push_back({std::move(name), std::move(*key)});
  }
  return out;
}

Result<SignatureKey> find_signature(Session& session, const KeyName& name) {
  const CK_OBJECT_HANDLE object = KH_TRY(private_half(session, name));
  KeyName full_name = KH_TRY(read_name(session, object));
  crypto::P521PublicKey key = KH_TRY(public_key_of(session, object, full_name));
  return SignatureKey{std::move(full_name), std::move(key)};
}

Result<crypto::P521Signature> sign(Session& session, const KeyName& name, ByteView message) {
  const SignatureKey key = KH_TRY(find_signature(session, name));
  const CK_OBJECT_HANDLE object = KH_TRY(private_half(session, name));
  const CK_FUNCTION_LIST& f = session.functions();
  auto hash = crypto::sha512(message);
  CK_MECHANISM mechanism{CKM_ECDSA, nullptr, 0};
  KH_TRY(session.check(f.C_SignInit(session.handle(), &mechanism, object), "C_SignInit"));
  Bytes raw(2 * crypto::kP521CoordinateSize + 16);
  CK_ULONG size = raw.size();
  KH_TRY(session.check(f.C_Sign(session.handle(), hash.data(), hash.size(), raw.data(), &size),
                       "C_Sign"));
  raw.resize(std::min<std::size_t>(size, raw.size()));
  const auto signature = signature_from_token(raw);
  if (signature && key.public_key.verify_sha512(message, *signature)) return *signature;
  return Error{Reason::UnitUnavailable,
               session.core().who() + ": its signature with " + text_of(key.name) +
                   " does not verify with the public key beside it. Remedy: check that the public "
                   "key object with this CKA_ID belongs to the private one",
               {}};
}

Result<void> destroy_signature(Session& session, const KeyName& name) {
  const CK_OBJECT_HANDLE object = KH_TRY(private_half(session, name));
  const KeyName full_name = KH_TRY(read_name(session, object));
  // The private half last: while it is there, a repeated call finds the key.
  std::vector<CK_OBJECT_HANDLE> objects = KH_TRY(public_halves(session, full_name));
  objects.push_back(object);
  KH_TRY(session.about_to_change());
  for (const CK_OBJECT_HANDLE each : objects) {
    KH_TRY(session.check(session.functions().C_DestroyObject(session.handle(), each),
                         "C_DestroyObject"));
  }
  session.core().forget_handles();
  return {};
}

}  // namespace keyhaven::token
