// The key object of the API (key-management-api.md 4) and other resources about keys, as JSON.
#pragma once

#include <string>
#include <string_view>

#include "http/json.h"
#include "instances/instance_record.h"
#include "keys/key_record.h"
#include "keys/key_service.h"

namespace keyhaven::http {

inline constexpr std::string_view kKeyType = "application/vnd.ibm.kms.key+json";

// crn:v1:bluemix:public:hs-crypto:<region>:a/<account>:<instance>:key:<key>
std::string key_crn(std::string_view account, const instances::InstanceRecord& instance,
                    const KeyId& id);

// What is the same for all keys of one answer.
struct KeyView {
  std::string_view account;
  const instances::InstanceRecord& instance;
  const keys::KeyTimes& times;
  Timestamp now;  // states and deadlines are judged at this moment
  // Go's live test wants lastUpdateDate absent in the answer to create and present from get on.
  enum class Moment : std::uint8_t { Created, Later } moment = Moment::Later;
  bool for_service = false;  // services are shown where a key will migrate to
};

// An open object with all members but the payload; the caller ends it.
void begin_key(JsonWriter& json, const keys::KeyRecord& key, const KeyView& view);
// Adds "payload" as base64 without leaving a copy behind: room is made first, so `json` must grow
// by little afterwards.
void write_payload(JsonWriter& json, const SecretBytes& payload);
void write_key(JsonWriter& json, const keys::KeyRecord& key, const KeyView& view);
// An envelope with this one key.
std::string key_envelope(const keys::KeyRecord& key, const KeyView& view);

}  // namespace keyhaven::http
