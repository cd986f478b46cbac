#!/usr/bin/env python3
"""Writes the seeds of the text formats: make_text_seeds.py DIRECTORY"""
import pathlib
import sys

UUID = "0a1b2c3d-0000-4000-8000-000000000001"
PLAN = f"""format: 1
plan: {UUID}
made: 2027-01-15T08:00:00Z
source: {{url: "https://old", instance: i1}}
target: {{url: "https://new", iam_url: "https://iam", instance: i2}}
key_rings: [finance]
keys:
  - {{source: k1, name: n, kind: root, action: import, imported: true, state: 2, versions: 3,
      material_versions: 2, aliases: [a, b], tags: ["1"], key_ring: finance, expires: "2033-01-01T00:00:00Z"}}
  - {{source: k2, name: "é\\n", kind: standard, action: copy, deks: 5, lost: ["x"]}}
  - {{source: k3, kind: root, action: blocked, blocked: why, when_expired: undecided}}
...
"""
ERROR = '{"metadata":{"collectionTotal":1},"resources":[{"errorMsg":"no","reasons":[{"code":"KEY_NOT_FOUND_ERR",' \
        '"message":"gone","target":{"type":"field","name":"id"}}]}]}'
PAPER = "banban bandar banfal bangas rishen risgas\n0405 0607 f973\nbanmin bannir banpil banris banzos volles\n0c0d 0e0f 13b8\ndarban dardar darfal dargas sonhen henzos\n1415 1617 4526\ndarmin darnir darpil darris henpil banban\n1c1d 1e1f 79a4\nfalhen banban volvol henzos kelnir banles"
SEEDS = {
    "text": ["", "00ff", "AAEC", "_-8", "2026-01-02T03:04:05Z", "2026-01-02T03:04:05.123456+02:30", UUID],
    "url": ["a%20b", "limit=10&offset=0&state=1,2", "a=1&&b=%2B+c", "https://host", "https://[::1]:8443/api/v2/", "https://h:1"],
    "http_request": ["\x00GET /api/v2/keys?limit=1 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
                     "\x03POST /k HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nhelloGET / HTTP/1.1\r\n",
                     "\x07PUT /k HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\n\r\n",
                     "\x01GET / HTTP/1.0\r\n\r\n"],
    "http_response": ["\x00HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", "\x04HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No\r\n\r\n",
                      "\x08HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nX: y\r\n\r\n",
                      "\x02HTTP/1.0 200 OK\r\n\r\nto the end", "\x01HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"],
    "pkcs11_uri": ["pkcs11:token=ops;object=alice?module-path=/usr/lib/m.so&pin-source=file:/p", "pkcs11:id=%01%FF;serial=1;type=private",
                   "pkcs11:module=/m;manufacturer=x;model=%20y", "pkcs11:token=a?pin-value=1"],
    "signing_service": ['{"signature":"MAYCAQECAQE="}', '{"publickey":"MAYCAQECAQE="}', '{"signature":"MAYCAQACAQE="}', "carol-1"],
    "paper": ["\x00" + PAPER, "\x01" + PAPER, "\x001: banban bandar banfal bangas\n"],
    "http_json": ['{"t":"a\\u00e9\\ud83d\\ude00","i":12,"b":"AAEC","c":"AA==","d":"2026-01-02T03:04:05Z","o":true,"s":["x","y"]}',
                  '{"i":1.0e2,"x":{"t":[1,"a",null]},"I":-5}', '{"metadata":{"collectionTotal":1},"resources":[{"t":"n"}]}',
                  " null ", "", '[1]', '{"a":' * 17 + "1" + "}" * 17],
    "openid_documents": [
        '\x00{"issuer":"https://id.example","authorization_endpoint":"https://id.example/a?b=c","token_endpoint":"https://id.example/t","jwks_uri":"https://id.example/k",'
        '"response_types_supported":["code"],"id_token_signing_alg_values_supported":["ES256"],"token_endpoint_auth_methods_supported":["client_secret_post"]}',
        '\x01{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"a","x":"' + "A" * 43 + '"},{"kty":"EC","crv":"P-256","kid":"b","use":"sig",'
        '"x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"},{"kty":"RSA","kid":"c","n":"' + "q" * 342
        + '","e":"AQAB","key_ops":["verify"]}]}',
        '\x02{"access_token":"a","token_type":"Bearer","id_token":"e30.e30.AA"}', '\x02{"error":"invalid_grant"}', "\x03e30.e30.AA",
        '\x04{"iss":"https://id.example","sub":"ann","aud":["keyhaven"],"exp":1800000300,"iat":1800000000,"nonce":"n","acr":"mfa","azp":"keyhaven"}',
        '\x05{"alg":"ES256","kid":"k","crit":["x"]}'],
    "audit_search": ["action=secrets.*\noutcome=failure\ninitiator=Ada \"L\"\nlimit=7", "from=2026-01-02T03:04:05Z\nto=2026-01-02T03:04:05.5+01:00\ntext=a\\b",
                     "cursor=AQEBAAIBgAE\ncheckpoints=true", "AQEBAAIBgAE", "instance=" + UUID + "\nseverity=critical\ncorrelation_id=" + UUID, "limit=501"],
    "http_form": ["grant_type=urn%3Aibm%3Aparams%3Aoauth%3Agrant-type%3Aapikey&apikey=k+y", "a=%zz", "&&=&apikey"],
    "cookie": ["a=b; id=x; other=y", " \tid=a=b \nid=c;;=;id\nid=", "ID=a; xid=b; id =c"],
    "console_start": ['{"token":"' + "A" * 44 + '"}', '{"token":"a\\u0000","x":1}', '{"token":1}', '["token"]', '{"token":"' + "A" * 1020 + '"}'],
    "token": ["\x00a.b.c", '\x01{"iam_id":"iam-ServiceId-1","sub":"ServiceId-1","iss":"https://localhost/identity","iat":1800000000,'
              '"exp":1800003600,"account":{"bss":"0123456789abcdef0123456789abcdef"},"apikey_id":"ApiKey-1"}',
              '\x02{"alg":"none","kid":"x","typ":"JWT"}', "\x03\x10\x00A"],
    "crn": [f"crn:v1:bluemix:public:hs-crypto:local:a/0123456789abcdef0123456789abcdef:{UUID}::",
            f"crn:v1:bluemix:public:hs-crypto:local:a/0123456789abcdef0123456789abcdef:{UUID}:key:{UUID}", UUID],
    "crn_query": ["crn:v1:bluemix:public:databases:eu-de:a/acc:inst:*:pay*\ncrn:v1:bluemix:public:databases:eu-de:a/acc:inst:bucket:pay:1",
                  "crn:v1:*:*:*:*:*:*::\ncrn:v1:bluemix:public:databases:eu-de:a/acc:inst", "not-a-crn\n"],
    "client_answer": [ERROR, '{"metadata":{"collectionTotal":1},"resources":[{"id":"k","name":"n","state":1,"aliases":["a"],'
                      '"payload":"AA==","expirationDate":"2030-01-01T00:00:00Z","keyVersion":{"id":"v"},"rotation":{"interval_month":3},'
                      '"dualAuthDelete":{"enabled":false},"algorithmMetadata":{"bitLength":"256"}}]}',
                      '{"plaintext":"AAEC","ciphertext":"x","keyVersion":{"id":"v"}}',
                      '{"access_token":"t","token_type":"Bearer","expires_in":3600}', '{"errorCode":"BXNIM0415E","errorMessage":"no"}'],
    "csv": ["key,wdek,aad,ref\r\nk,AAAA,\"[\"\"a\"\"]\",r\r\n", "\"a\nb\",c\n\"open\nd,e\n", "\ufeffa,b\n\n,\n"],
    "inventory": ['{"key":"k","wdek":"AAAA","aad":["a","b"],"ref":"r"}', '["a",""]', '{"key":"k","wdek":"A","aad":null}'],
    "plan": [PLAN, PLAN[:-4], "format: 1\nkeys: []\n...\n"],
}


def main():
    for target, seeds in SEEDS.items():
        directory = pathlib.Path(sys.argv[1]) / target
        directory.mkdir(parents=True, exist_ok=True)
        for number, seed in enumerate(seeds, 1):
            (directory / f"seed{number}").write_bytes(seed.encode())


if __name__ == "__main__":
    main()
