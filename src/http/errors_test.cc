#include "http/errors.h"

#include <gtest/gtest.h>

#include <map>

#include "net/response_writer.h"

namespace keyhaven::http {
namespace {

// key-management-api.md section 17: the codes clients know, with their statuses.
struct Row {
  Reason reason;
  int status;
  std::string_view code;
};
constexpr Row kCatalogue[] = {
    {Reason::BadBody, 400, "BAD_BODY_ERR"},
    {Reason::CollectionTotalMismatch, 400, "COLLECTION_TOTAL_MISMATCH_ERR"},
    {Reason::NoBody, 400, "NO_BODY_ERR"},
    {Reason::InvalidField, 400, "INVALID_FIELD_ERR"},
    {Reason::InvalidQueryParam, 400, "INVALID_QUERY_PARAM_ERR"},
    {Reason::KeySearchTooBroad, 400, "KEY_SEARCH_TOO_BROAD"},
    {Reason::BearerSubExtraction, 400, "BEARER_SUB_EXTRACTION_ERR"},
    {Reason::KeyRootRequired, 400, "KEY_ROOT_REQ_ERR"},
    {Reason::KeyPayloadRequired, 400, "KEY_PAYLOAD_REQ_ERR"},
    {Reason::KeyRestoreExpired, 400, "KEY_RESTORE_EXPIRED"},
    {Reason::KeyExpired, 400, "KEY_EXPIRED_ERR"},
    {Reason::IncorrectNonce, 400, "INCORRECT_NONCE_ERR"},
    {Reason::IncorrectNonceIv, 400, "INCORRECT_NONCE_IV_ERR"},
    {Reason::Unauthorized, 401, "UNAUTHORIZED_ERR"},
    {Reason::Unauthenticated, 401, "UNAUTHORIZED_ERR"},
    {Reason::Forbidden, 403, "CONFIG_RULE_CONFLICT_ERR"},
    {Reason::KeyNotFound, 404, "KEY_NOT_FOUND_ERR"},
    {Reason::KeyRingNotFound, 404, "KEY_RING_NOT_FOUND_ERR"},
    {Reason::AliasNotUnique, 409, "KEY_ALIAS_NOT_UNIQUE_ERR"},
    {Reason::AliasLimit, 409, "KEY_ALIAS_LIMIT_ERR"},
    {Reason::KeyRingExists, 409, "KEY_RING_RESOURCE_EXISTS_ERR"},
    {Reason::KeyRingNotEmpty, 409, "KEY_RING_NOT_EMPTY_ERR"},
    {Reason::KeyActionInvalidState, 409, "KEY_ACTION_INVALID_STATE_ERR"},
    {Reason::KeyRotationNotPermitted, 409, "KEY_ROTATION_NOT_PERMITTED"},
    {Reason::RequestTooEarly, 409, "REQ_TOO_EARLY_ERR"},
    {Reason::AuthorizationsNotMet, 409, "AUTHORIZATIONS_NOT_MET"},
    {Reason::NotDualAuth, 409, "NOT_DUAL_AUTH_ERR"},
    {Reason::ProtectedResource, 409, "PROTECTED_RESOURCE_ERR"},
    {Reason::KeyCreateImportAccess, 409, "KEY_CREATE_IMPORT_ACCESS_ERR"},
    {Reason::InstanceNotInitialized, 409, "INSTANCE_NOT_INITIALIZED"},
    {Reason::KeyDeleted, 410, "KEY_DELETED_ERR"},
    {Reason::TooLarge, 413, "REQUEST_TOO_LARGE_ERR"},
    {Reason::CiphertextInvalid, 422, "UNPROCESSABLE_CIPHERTEXT_ERR"},
    {Reason::NotACiphertext, 400, "INVALID_FIELD_ERR"},
    {Reason::TooManyRequests, 429, "TOO_MANY_REQUESTS_ERR"},
    {Reason::UnitUnavailable, 503, "CRYPTO_UNIT_UNAVAILABLE_ERR"},
    {Reason::StoreUnavailable, 503, "STORE_UNAVAILABLE_ERR"},
    {Reason::AuditUnavailable, 503, "AUDIT_UNAVAILABLE_ERR"},
};

TEST(ErrorsTest, CatalogueOfTheApi) {
  for (const Row& row : kCatalogue) {
    const WireReason wire = wire_reason(row.reason);
    EXPECT_EQ(wire.status, row.status) << name_of(row.reason);
    EXPECT_EQ(wire.code, row.code) << name_of(row.reason);
  }
}

TEST(ErrorsTest, EveryReasonHasACodeAtTheEndOfItsMessage) {
  for (std::size_t i = 0; i < kReasonCount; ++i) {
    const auto reason = static_cast<Reason>(i);
    const WireReason wire = wire_reason(reason);
    EXPECT_GE(wire.status, 400) << name_of(reason);
    EXPECT_FALSE(wire.code.empty()) << name_of(reason);
    const auto response = error_response({reason, "why", ""}, iam::Action::SecretsDelete);
    EXPECT_EQ(response.status, wire.status);
    const std::string head =
        "\"errorMsg\":\"" + std::string(net::reason_phrase(wire.status)) + ": ";
    EXPECT_NE(response.body.find(head), std::string::npos) << response.body;
    EXPECT_NE(response.body.find("(" + std::string(wire.code) + ")\""), std::string::npos)
        << response.body;
  }
}

TEST(ErrorsTest, BodyOfAStateError) {
  const auto response =
      error_response({Reason::RequestTooEarly, "too soon", ""}, iam::Action::SecretsPurge);
  const std::string expected =
      R"~({"metadata":{"collectionType":"application/vnd.ibm.kms.error+json","collectionTotal":1},"resources":[)~"
      R"~({"errorMsg":"Conflict: Key could not be purged: too soon: Please see `reasons` for more details )~"
      R"~((REQ_TOO_EARLY_ERR)","reasons":[{"code":"REQ_TOO_EARLY_ERR","message":"too soon","status":409,)~"
      R"~("moreInfo":"https://cloud.ibm.com/apidocs/hs-crypto"}]}]})~";
  EXPECT_EQ(response.body, expected);
}

TEST(ErrorsTest, TargetsNameTheirKind) {
  const auto body = [](Reason reason) {
    return error_response({reason, "m", "t"}, iam::Action::SecretsRotate).body;
  };
  EXPECT_NE(body(Reason::InvalidField).find(R"("target":{"type":"field","name":"t"})"),
            std::string::npos);
  EXPECT_NE(body(Reason::InvalidQueryParam).find(R"("target":{"type":"query_param","name":"t"})"),
            std::string::npos);
}

TEST(ErrorsTest, UnauthorizedAndHeaderErrorsHaveNoReasons) {
  for (const Reason reason :
       {Reason::Unauthorized, Reason::Unauthenticated, Reason::InvalidHeader}) {
    const auto response =
        error_response({reason, "m", "Bluemix-Instance"}, iam::Action::SecretsList);
    EXPECT_EQ(response.body.find("reasons"), std::string::npos) << response.body;
  }
}

TEST(ErrorsTest, UninitialisedInstanceCarriesTheWordToGrepFor) {
  const auto response =
      error_response({Reason::InstanceNotInitialized, "m", ""}, iam::Action::SecretsWrap);
  EXPECT_EQ(response.status, 409);
  EXPECT_NE(response.body.find("CKR_IBM_WK_NOT_INITIALIZED"), std::string::npos);
}

TEST(ErrorsTest, RetryAfterWhereARetryHelps) {
  const auto retry_after = [](Reason reason) {
    const auto response = error_response({reason, "m", ""}, iam::Action::SecretsWrap);
    for (const auto& [name, value] : response.headers) {
      if (name == "Retry-After") return value;
    }
    return std::string();
  };
  EXPECT_EQ(retry_after(Reason::UnitUnavailable), "1");
  EXPECT_EQ(retry_after(Reason::TooManyRequests), "1");
  EXPECT_EQ(retry_after(Reason::Conflict), "");
}

TEST(ErrorsTest, TransportErrorsAreTheSameJson) {
  const auto response = plain_error_response(413, "the body is larger than 1 MiB");
  EXPECT_EQ(response.status, 413);
  EXPECT_NE(response.body.find("Payload Too Large: the body"), std::string::npos);
}

}  // namespace
}  // namespace keyhaven::http
