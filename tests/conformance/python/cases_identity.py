"""Tokens, roles, the trust in our CA, and the hook that sees every request."""
import os

import redstone.auth
import requests
from context import UNAUTHORIZED, decode, refused
from suite import environment, equal, refusal, success, true


def manager_of(api_key, **options):
    return redstone.auth.TokenManager(api_key, iam_endpoint=environment("KH_IAM_URL"), **options)


@success("TokenManager.get_token", "gives a token with the fields that the SDK computes with")
def token(kh):
    tokens = manager_of(environment("KH_APIKEY"))
    text = tokens.get_token()
    claims = redstone.auth.inspect_token(text)[1]
    info = tokens._token_info
    equal(info["token_type"], "Bearer", "token_type")
    true(isinstance(info["expires_in"], int) and isinstance(info["expiration"], int), "expires_in and expiration are integers")
    equal(claims["exp"], info["expiration"], "exp")
    equal(claims["exp"] - claims["iat"], info["expires_in"], "exp - iat")


@success("TokenManager.get_token", "keeps a good token and fetches a new one when the lifetime runs out")
def token_is_renewed(kh):
    tokens = manager_of(environment("KH_APIKEY") + "", use_refresh_token=False)
    first = tokens.get_token()
    equal(tokens.get_token(), first, "cached token")
    true(not tokens.is_token_expired(), "a fresh token counts as expired")
    tokens._token_info["expiration"] = 0
    true(tokens.is_refresh_token_expired(), "both are over")
    tokens.get_token()
    true(tokens._token_info["expiration"] > 0, "the token was not renewed")


@success("TokenManager.get_token", "takes an identity address with a trailing slash")
def token_trailing_slash(kh):
    tokens = redstone.auth.TokenManager(environment("KH_APIKEY"), iam_endpoint=environment("KH_IAM_URL") + "/")
    true(tokens.get_token().count(".") == 2, "not a token")


@refusal("TokenManager.get_token", "refuses an unknown API key with the documented code")
def bad_key(kh):
    try:
        manager_of("no-such-key").get_token()
    except Exception as error:
        true("BXNIM0415E" in str(error), f"no BXNIM0415E in {error}")
        return
    raise AssertionError("a token for an unknown API key")


@refusal("TokenManager.get_token", "does not trust the server without its CA")
def untrusted(kh):
    bundle = os.environ.pop("REQUESTS_CA_BUNDLE")
    try:
        manager_of(environment("KH_APIKEY")).get_token()
    except requests.exceptions.SSLError:
        return
    finally:
        os.environ["REQUESTS_CA_BUNDLE"] = bundle
    raise AssertionError("a connection without trust")


@success("set_pre_send_fn", "sees every request and can name its correlation")
def hook(kh):
    client, seen, mark = kh.client("manager"), [], "5f0c9a51-0b0e-4a3c-9d0f-3f1c0e6e8a11"

    def add(request):
        request.headers["Correlation-Id"] = mark
        seen.append(request.path_url)
        return request

    client.set_pre_send_fn(add)
    answers = []
    client.session.hooks["response"].append(lambda response, **_: answers.append(response))
    client.list_keys()
    client.set_pre_send_fn(None)
    client.list_keys()
    equal(seen, ["/api/v2/keys"], "requests seen")
    equal(answers[0].headers["Correlation-Id"], mark, "echoed Correlation-Id")
    true(answers[1].headers["Correlation-Id"] not in ("", mark), "an answer without a Correlation-Id of its own")


@refusal("set_pre_send_fn", "a request without an instance is refused with 400")
def hook_without_instance(kh):
    client = kh.client("manager")

    def strip(request):
        del request.headers["Bluemix-Instance"]
        return request

    client.set_pre_send_fn(strip)
    try:
        client.list_keys()
    except Exception as error:
        equal(error.http_error.response.status_code, 400, "status")
        true("Bluemix-Instance" in str(error), f"the header is not named in {error}")
        return
    raise AssertionError("a call without an instance")


@refusal("list_keys", "a foreign instance is unauthorized, not missing")
def foreign_instance(kh):
    refused(401, UNAUTHORIZED, kh.client("manager", "11111111-2222-4333-8444-555555555555").list_keys)


@success("list_keys", "an identity without a role sees an empty list")
def nobody(kh):
    equal(kh.nobody.list_keys(), [])


@refusal("create_key", "a Reader is refused")
def reader_creates(kh):
    refused(401, UNAUTHORIZED, kh.reader.create_key, "not-allowed", root=True)


@refusal("get_key", "a Reader gets no payload")
def reader_gets(kh):
    refused(401, UNAUTHORIZED, kh.reader.get_key, kh.standard()["id"])


@success("wrap", "a Reader may use a key")
def reader_wraps(kh):
    key = kh.root()["id"]
    wrapped = kh.reader.wrap(key, b"for a reader")
    equal(kh.reader.unwrap(key, wrapped["ciphertext"]), b"for a reader")


@refusal("delete_key", "a Writer is refused")
def writer_deletes(kh):
    key = kh.root()["id"]
    refused(401, UNAUTHORIZED, kh.writer.delete_key, key)
    equal(kh.manager.get_key(key)["state"], 1, "state")


@success("create_key", "a Writer creates")
def writer_creates(kh):
    true(decode(kh.manager.get_key(kh.writer.create_key("by-a-writer")["id"])["payload"]), "payload")
