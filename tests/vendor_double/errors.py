"""Refusals in the service's official form."""
import http

ERROR_TYPE = "application/vnd.ibm.kms.error+json"
STATUS = {
    "AUTHORIZATIONS_NOT_MET": 409, "BAD_BODY_ERR": 400, "BEARER_SUB_EXTRACTION_ERR": 400, "BODY_QUERY_PARAM_MISMATCH_ERR": 400,
    "COLLECTION_TOTAL_MISMATCH_ERR": 400, "DUAL_AUTH_POLICY_ENABLED_ERR": 409, "IMPORT_TOKEN_EXPIRED_ERR": 409,
    "IMPORT_TOKEN_NOT_FOUND_ERR": 404, "INCORRECT_NONCE_ERR": 400, "INCORRECT_NONCE_IV_ERR": 400, "INSTANCE_NOT_INITIALIZED": 409,
    "INVALID_FIELD_ERR": 400, "INVALID_QUERY_PARAM_ERR": 400, "KEY_ACTION_INVALID_STATE_ERR": 409, "KEY_ALIAS_LIMIT_ERR": 409,
    "KEY_ALIAS_NOT_FOUND_ERR": 404, "KEY_ALIAS_NOT_UNIQUE_ERR": 409, "KEY_CREATE_IMPORT_ACCESS_ERR": 409, "KEY_DELETED_ERR": 410,
    "KEY_EXPIRED_ERR": 400, "KEY_INVALID_STATE_ERR": 422, "KEY_LIMIT_ERR": 409, "KEY_NOT_FOUND_ERR": 404, "KEY_PAYLOAD_REQ_ERR": 400,
    "KEY_RESTORE_EXPIRED": 400, "KEY_RING_LIMIT_ERR": 409, "KEY_RING_NOT_EMPTY_ERR": 409, "KEY_RING_NOT_FOUND_ERR": 404,
    "KEY_RING_RESOURCE_EXISTS_ERR": 409, "KEY_ROOT_REQ_ERR": 400, "KEY_ROOT_REQ_REG_ERR": 422, "KEY_ROTATION_NOT_PERMITTED": 409,
    "KEY_SEARCH_TOO_BROAD": 400, "KEY_VERSION_INVALID": 422, "METHOD_NOT_ALLOWED_ERR": 405, "MIGRATION_INTENT_EXISTS_ERR": 409,
    "MIGRATION_INTENT_NOT_FOUND_ERR": 404, "NOT_DUAL_AUTH_ERR": 409, "NOT_FOUND_ERR": 404, "NO_BODY_ERR": 400,
    "NUM_COLLECTION_RESOURCE_ERR": 400, "PRECONDITION_FAILED_ERR": 412, "PREV_KEY_DEL_ERR": 409, "PROTECTED_RESOURCE_ERR": 409,
    "REGISTRATION_EXISTS_ERR": 409, "REGISTRATION_NOT_FOUND_ERR": 404, "REQUEST_TOO_LARGE_ERR": 413, "REQ_TOO_EARLY_ERR": 409,
    "RESOURCE_OWNER_ERR": 403, "SERVICE_ONLY_ERR": 403, "TOO_MANY_REQUESTS_ERR": 429, "UNPROCESSABLE_CIPHERTEXT_ERR": 422,
}


class Refusal(Exception):
    """A call that is refused. `code` None: the body has no reasons (401, and a bad instance header)."""

    def __init__(self, code, message, target=None, status=None, headers=None):
        super().__init__(message)
        self.code, self.message, self.target = code, message, target
        self.status = status or STATUS[code]
        self.headers = headers or {}

    def body(self, what):
        """The answer's body; `what` is the lead-in of the call, such as 'Key could not be created'."""
        phrase = http.HTTPStatus(self.status).phrase
        if self.code is None:
            resource = {"errorMsg": f"{phrase}: {self.message}"}
        else:
            reason = {"code": self.code, "message": self.message, "status": self.status,
                      "moreInfo": "https://vendor-double.example/errors"}
            if self.target:
                reason["target"] = self.target
            resource = {"errorMsg": f"{phrase}: {what}: Please see `reasons` for more details ({self.code})", "reasons": [reason]}
        return {"metadata": {"collectionType": ERROR_TYPE, "collectionTotal": 1}, "resources": [resource]}


def unauthorized(message="The user does not have access to the specified resource, or it does not exist"):
    return Refusal(None, message, status=401)


def bad_field(name, message):
    return Refusal("INVALID_FIELD_ERR", message, {"type": "field", "name": name})


def bad_query(name, message):
    return Refusal("INVALID_QUERY_PARAM_ERR", message, {"type": "query_param", "name": name})


def bad_body(message):
    return Refusal("BAD_BODY_ERR", message)
