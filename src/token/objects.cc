#include "token/objects.h"

#include <algorithm>
#include <cstring>

#include "crypto/random.h"

namespace keyhaven::token {

namespace {

constexpr std::size_t kLargestId = 64;
constexpr std::size_t kNewIdSize = 16;
constexpr CK_ULONG kLargestAttribute = 65536;

template <class T>
ByteView object_bytes(const T& value) {
  return {reinterpret_cast<const std::uint8_t*>(&value), sizeof value};
}

}  // namespace

Template& Template::bytes(CK_ATTRIBUTE_TYPE type, ByteView value) {
  Bytes& kept = values_.emplace_back(to_bytes(value));
  attributes_.push_back({type, kept.data(), kept.size()});
  return *this;
}

Template& Template::flag(CK_ATTRIBUTE_TYPE type, bool value) {
  const CK_BBOOL flag = value ? CK_TRUE : CK_FALSE;
  return bytes(type, object_bytes(flag));
}

Template& Template::number(CK_ATTRIBUTE_TYPE type, CK_ULONG value) {
  return bytes(type, object_bytes(value));
}

Template& Template::secret(CK_ATTRIBUTE_TYPE type, const SecretBytes& value) {
  // The API has no const; modules copy the value.
  attributes_.push_back({type, const_cast<std::uint8_t*>(value.expose().data()), value.size()});
  return *this;
}

Template& Template::name(const KeyName& name) {
  if (!name.label.empty()) bytes(CKA_LABEL, as_bytes(name.label));
  if (!name.id.empty()) bytes(CKA_ID, name.id);
  return *this;
}

Result<void> check_name(const KeyName& name) {
  if (name.label.empty() && name.id.empty()) {
    return Error{Reason::InvalidArgument, "a key of a token is named by a label, an id or both",
                 "label"};
  }
  if (name.label.size() > kLargestLabel) {
    return Error{Reason::InvalidArgument,
                 "the label of a key has " + std::to_string(name.label.size()) +
                     " bytes, at most " + std::to_string(kLargestLabel),
                 "label"};
  }
  if (name.id.size() > kLargestId) {
    return Error{Reason::InvalidArgument,
                 "the id of a key has " + std::to_string(name.id.size()) + " bytes, at most " +
                     std::to_string(kLargestId),
                 "id"};
  }
  return {};
}

Result<KeyName> name_to_create(KeyName name) {
  KH_TRY(check_name(name));
  if (name.label.empty()) {
    return Error{Reason::InvalidArgument, "a key that is made in a token needs a label", "label"};
  }
  if (name.id.empty()) {
    name.id.resize(kNewIdSize);
    crypto::random_nonce(name.id);
  }
  return name;
}

Result<std::vector<CK_OBJECT_HANDLE>> find_objects(Session& session, Template& wanted,
                                                   std::size_t limit) {
  const CK_FUNCTION_LIST& f = session.functions();
  KH_TRY(session.check(f.C_FindObjectsInit(session.handle(), wanted.data(), wanted.size()),
                       "C_FindObjectsInit"));
  std::vector<CK_OBJECT_HANDLE> found(limit);
  std::size_t count = 0;
  CK_RV rv = CKR_OK;
  while (count < limit) {
    CK_ULONG more = 0;
    rv = f.C_FindObjects(session.handle(), found.data() + count, limit - count, &more);
    if (rv != CKR_OK || more == 0) break;
    count += std::min<std::size_t>(more, limit - count);
  }
  const CK_RV ended = f.C_FindObjectsFinal(session.handle());
  KH_TRY(session.check(rv, "C_FindObjects"));
  KH_TRY(session.check(ended, "C_FindObjectsFinal"));
  found.resize(count);
  return found;
}

Result<void> check_name_is_free(Session& session, CK_OBJECT_CLASS object_class,
                                const KeyName& name) {
  for (const KeyName& half : {KeyName{name.label, {}}, KeyName{{}, name.id}}) {
    Template wanted;
    wanted.number(CKA_CLASS, object_class).name(half);
    const auto found = KH_TRY(find_objects(session, wanted, 1));
    if (found.empty()) continue;
    return Error{Reason::AlreadyExists,
                 session.core().who() + ": a key with " + text_of(half) +
                     " exists. Remedy: choose another name or destroy that key",
                 {}};
  }
  return {};
}

Result<std::optional<Bytes>> read_attribute(Session& session, CK_OBJECT_HANDLE object,
                                            CK_ATTRIBUTE_TYPE type) {
  const CK_FUNCTION_LIST& f = session.functions();
  CK_ATTRIBUTE attribute{type, nullptr, 0};
  CK_RV rv = f.C_GetAttributeValue(session.handle(), object, &attribute, 1);
  const auto is_absent = [&] {
    return rv == CKR_ATTRIBUTE_TYPE_INVALID || rv == CKR_ATTRIBUTE_SENSITIVE ||
           (rv == CKR_OK && attribute.ulValueLen == CK_UNAVAILABLE_INFORMATION);
  };
  if (is_absent()) return std::optional<Bytes>{};
  KH_TRY(session.check(rv, "C_GetAttributeValue"));
  if (attribute.ulValueLen > kLargestAttribute) {
    KH_TRY(session.check(CKR_GENERAL_ERROR, "C_GetAttributeValue"));
  }
  Bytes value(attribute.ulValueLen);
  attribute.pValue = value.data();
  rv = f.C_GetAttributeValue(session.handle(), object, &attribute, 1);
  if (is_absent()) return std::optional<Bytes>{};
  KH_TRY(session.check(rv, "C_GetAttributeValue"));
  value.resize(std::min<std::size_t>(attribute.ulValueLen, value.size()));
  return std::optional<Bytes>(std::move(value));
}

Result<std::optional<bool>> read_flag(Session& session, CK_OBJECT_HANDLE object,
                                      CK_ATTRIBUTE_TYPE type) {
  const auto value = KH_TRY(read_attribute(session, object, type));
  if (!value || value->size() != sizeof(CK_BBOOL)) return std::optional<bool>{};
  return std::optional<bool>(value->front() != CK_FALSE);
}

Result<std::optional<CK_ULONG>> read_number(Session& session, CK_OBJECT_HANDLE object,
                                            CK_ATTRIBUTE_TYPE type) {
  const auto value = KH_TRY(read_attribute(session, object, type));
  CK_ULONG number = 0;
  if (!value || value->size() != sizeof number) return std::optional<CK_ULONG>{};
  std::memcpy(&number, value->data(), sizeof number);
  return std::optional<CK_ULONG>(number);
}

Result<KeyName> read_name(Session& session, CK_OBJECT_HANDLE object) {
  const auto label = KH_TRY(read_attribute(session, object, CKA_LABEL));
  auto id = KH_TRY(read_attribute(session, object, CKA_ID));
  return KeyName{label ? std::string(as_text(*label)) : std::string(),
                 id ? std::move(*id) : Bytes{}};
}

std::string text_of(const KeyName& name) {
  std::string out;
  if (!name.label.empty()) out = "label '" + name.label + "'";
  if (!name.id.empty()) out += (out.empty() ? "id " : " and id ") + to_hex(name.id);
  return out;
}

Error no_such_key(const std::string& who, const std::string& kind, const KeyName& name) {
  return Error{Reason::NotFound,
               who + ": it has no " + kind + " with " + text_of(name) +
                   ". Remedy: check the name, and that this is the right token",
               {}};
}

Error not_usable(const std::string& who, const std::string& kind, const KeyName& name,
                 const std::string& why) {
  return Error{Reason::Conflict,
               who + ": the " + kind + " with " + text_of(name) + " cannot be used: " + why,
               {}};
}

Result<CK_OBJECT_HANDLE> find_key(Session& session, CK_OBJECT_CLASS object_class,
                                  CK_KEY_TYPE key_type, const KeyName& name,
                                  const std::string& kind, const std::string& memory,
                                  const std::function<Result<void>(CK_OBJECT_HANDLE)>& check) {
  const std::string what = memory + "/" + to_hex(name.id) + "/" + name.label;
  if (const auto known = session.core().known_handle(session, what)) return *known;
  Template wanted;
  wanted.number(CKA_CLASS, object_class)
      .number(CKA_KEY_TYPE, key_type)
      .flag(CKA_TOKEN, true)
      .name(name);
  const auto found = KH_TRY(find_objects(session, wanted, 2));
  const std::string& who = session.core().who();
  if (found.empty()) return no_such_key(who, kind, name);
  if (found.size() > 1) {
    return not_usable(who, kind, name,
                      "several keys match. Remedy: name it by label and id together");
  }
  KH_TRY(check(found.front()));
  session.core().remember_handle(session, what, found.front());
  return found.front();
}

}  // namespace keyhaven::token
