// Objects of a token: templates, the search by name, attributes. Internal to token/.
#pragma once

#include <list>
#include <vector>

#include "token/core.h"

namespace keyhaven::token {

// Attributes for one call; owns the values it points to, secrets excepted.
class Template {
 public:
  Template& flag(CK_ATTRIBUTE_TYPE type, bool value);
  Template& number(CK_ATTRIBUTE_TYPE type, CK_ULONG value);
  Template& bytes(CK_ATTRIBUTE_TYPE type, ByteView value);
  // Borrows: `value` must outlive the call.
  Template& secret(CK_ATTRIBUTE_TYPE type, const SecretBytes& value);
  // CKA_LABEL and CKA_ID, as far as they are not empty.
  Template& name(const KeyName& name);

  CK_ATTRIBUTE* data() noexcept { return attributes_.data(); }
  CK_ULONG size() const noexcept { return attributes_.size(); }

 private:
  std::vector<CK_ATTRIBUTE> attributes_;
  std::list<Bytes> values_;  // a list: its elements stay where they are
};

// Errors: InvalidArgument when label or id breaks its limit or both are empty.
Result<void> check_name(const KeyName& name);
// Also that there is a label; gives an empty id 16 random bytes.
Result<KeyName> name_to_create(KeyName name);

// All objects that match, at most `limit`. The search is ended on every path.
Result<std::vector<CK_OBJECT_HANDLE>> find_objects(Session& session, Template& wanted,
                                                   std::size_t limit);

// Errors: AlreadyExists when an object of `object_class` has the label or the id.
Result<void> check_name_is_free(Session& session, CK_OBJECT_CLASS object_class,
                                const KeyName& name);

// One attribute; absent when the token does not have or tell it.
Result<std::optional<Bytes>> read_attribute(Session& session, CK_OBJECT_HANDLE object,
                                            CK_ATTRIBUTE_TYPE type);
// As above for a CK_BBOOL and a CK_ULONG.
Result<std::optional<bool>> read_flag(Session& session, CK_OBJECT_HANDLE object,
                                      CK_ATTRIBUTE_TYPE type);
Result<std::optional<CK_ULONG>> read_number(Session& session, CK_OBJECT_HANDLE object,
                                            CK_ATTRIBUTE_TYPE type);
Result<KeyName> read_name(Session& session, CK_OBJECT_HANDLE object);

// "label 'x'", "id 01ab" or both, for messages.
std::string text_of(const KeyName& name);

Error no_such_key(const std::string& who, const std::string& kind, const KeyName& name);
Error not_usable(const std::string& who, const std::string& kind, const KeyName& name,
                 const std::string& why);

// The one object of the class that matches `name`, from the Core's memory or by search. `check`
// looks at the attributes of one found by search. `kind` is for messages: "AES key".
Result<CK_OBJECT_HANDLE> find_key(Session& session, CK_OBJECT_CLASS object_class,
                                  CK_KEY_TYPE key_type, const KeyName& name,
                                  const std::string& kind, const std::string& memory,
                                  const std::function<Result<void>(CK_OBJECT_HANDLE)>& check);

}  // namespace keyhaven::token
