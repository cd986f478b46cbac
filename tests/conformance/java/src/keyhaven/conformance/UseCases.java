package keyhaven.conformance;

import static keyhaven.conformance.Client.base64;
import static keyhaven.conformance.Client.json;
import static keyhaven.conformance.Client.key;
import static keyhaven.conformance.Client.name;
import static keyhaven.conformance.Client.random;
import static keyhaven.conformance.Report.equal;
import static keyhaven.conformance.Report.refusal;
import static keyhaven.conformance.Report.set;
import static keyhaven.conformance.Report.success;
import static keyhaven.conformance.Report.that;

import com.ibm.cloud.ibm_key_protect_api.v2.model.KeyActionOneOfResponse;
import com.ibm.cloud.ibm_key_protect_api.v2.model.RewrapKeyOptions;
import com.ibm.cloud.ibm_key_protect_api.v2.model.RewrapKeyResponseBody;
import com.ibm.cloud.ibm_key_protect_api.v2.model.UnwrapKeyResponseBody;
import com.ibm.cloud.ibm_key_protect_api.v2.model.WrapKeyResponseBody;
import java.util.List;
import java.util.Map;

/** Wrap, unwrap, rewrap, rotate, and the same by the deprecated call with an action parameter. */
final class UseCases {
  private static final List<String> AAD = List.of("tenant 7", "payroll");
  private final Client manager;

  UseCases(Client manager) {
    this.manager = manager;
  }

  void run() {
    wrap();
    rewrap();
    rotate();
    legacy();
  }

  private void wrap() {
    success("wrapKey", "a new DEK of 32 bytes, no body", () -> {
      String id = manager.root();
      WrapKeyResponseBody wrapped = manager.wrap(id, null);
      equal("bytes", java.util.Base64.getDecoder().decode(wrapped.getPlaintext()).length, 32);
      equal("version", wrapped.getKeyVersion().getId(), id);
      equal("plaintext",
          manager.unwrap(id, Map.of("ciphertext", wrapped.getCiphertext())).getPlaintext(),
          wrapped.getPlaintext());
    });
    success("unwrapKey", "with additional data; nothing rewrapped", () -> {
      String id = manager.root();
      String plain = base64(random(35));
      WrapKeyResponseBody wrapped = manager.wrap(id, Map.of("plaintext", plain, "aad", AAD));
      equal("plaintext in the answer of wrap", wrapped.getPlaintext(), null);
      UnwrapKeyResponseBody got =
          manager.unwrap(id, Map.of("ciphertext", wrapped.getCiphertext(), "aad", AAD));
      equal("plaintext", got.getPlaintext(), plain);
      equal("ciphertext", got.getCiphertext(), null);
    });
    refusal("wrapKey", "a standard key", 400, "KEY_ROOT_REQ_ERR",
        () -> manager.wrap(manager.standard(), null));
    refusal("unwrapKey", "other additional data", 422, "UNPROCESSABLE_CIPHERTEXT_ERR", () -> {
      String id = manager.root();
      manager.unwrap(
          id, Map.of("ciphertext", manager.wrap(id, Map.of("aad", AAD)).getCiphertext()));
    });
    refusal("unwrapKey", "a destroyed key", 410, "KEY_DELETED_ERR", () -> {
      String id = manager.root();
      String wrapped = manager.wrap(id, null).getCiphertext();
      manager.delete(id);
      manager.unwrap(id, Map.of("ciphertext", wrapped));
    });
  }

  private void rewrap() {
    success("rewrapKey", "from the old version to the new one", () -> {
      String id = manager.root();
      WrapKeyResponseBody old = manager.wrap(id, null);
      manager.rotate(id, null);
      RewrapKeyResponseBody got =
          manager.api
              .rewrapKey(new RewrapKeyOptions
                             .Builder(id, manager.instance,
                                 json(Map.of("ciphertext", old.getCiphertext())))
                             .build())
              .execute()
              .getResult();
      equal("old version", got.getKeyVersion().getId(), id);
      that(!set("rewrappedKeyVersion", got.getRewrappedKeyVersion()).getId().equals(id),
          "not rewrapped");
      equal("plaintext",
          manager.unwrap(id, Map.of("ciphertext", got.getCiphertext())).getPlaintext(),
          old.getPlaintext());
    });
    refusal("rewrapKey", "what is no ciphertext", 400, "INVALID_FIELD_ERR",
        ()
            -> manager.api
                   .rewrapKey(new RewrapKeyOptions
                                  .Builder(manager.root(), manager.instance,
                                      json(Map.of("ciphertext", "***")))
                                  .build())
                   .execute());
  }

  private void rotate() {
    success("rotateKey", "older ciphertexts come back rewrapped", () -> {
      String id = manager.root();
      WrapKeyResponseBody old = manager.wrap(id, null);
      manager.rotate(id, Map.of());
      UnwrapKeyResponseBody got = manager.unwrap(id, Map.of("ciphertext", old.getCiphertext()));
      equal("plaintext", got.getPlaintext(), old.getPlaintext());
      set("rewrappedKeyVersion", got.getRewrappedKeyVersion());
      set("lastRotateDate", manager.metadata(id).getLastRotateDate());
    });
    success("rotateKey", "an imported key, with material", () -> {
      String id = manager.create(key(name("import"), false, "payload", base64(random(32)))).getId();
      manager.rotate(id, Map.of("payload", base64(random(32))));
      manager.wrap(id, null);
    });
    refusal("rotateKey", "an imported key, without material", 400, "KEY_PAYLOAD_REQ_ERR",
        ()
            -> manager.rotate(
                manager.create(key(name("import"), false, "payload", base64(random(32)))).getId(),
                null));
  }

  private void legacy() {
    success("actionOnKey", "wrap, unwrap and rewrap with an action parameter", () -> {
      String id = manager.root();
      KeyActionOneOfResponse wrapped = manager.action(id, "wrap", Map.of());
      Map<String, String> sent = Map.of("ciphertext", wrapped.getCiphertext());
      equal("plaintext", manager.action(id, "unwrap", sent).getPlaintext(), wrapped.getPlaintext());
      set("rewrappedKeyVersion", manager.action(id, "rewrap", sent).getRewrappedKeyVersion());
    });
    success("actionOnKey", "rotate and disable have no answer", () -> {
      String id = manager.root();
      equal("answer of rotate", manager.action(id, "rotate", Map.of()), null);
      equal("answer of disable", manager.action(id, "disable", Map.of()), null);
      equal("state", manager.metadata(id).getState(), 2L);
    });
    refusal("actionOnKey", "an unknown action", 400, "INVALID_QUERY_PARAM_ERR",
        () -> manager.action(manager.root(), "polish", Map.of()));
    refusal("actionOnKey", "unwrap without a ciphertext", 400, "INVALID_FIELD_ERR",
        () -> manager.action(manager.root(), "unwrap", Map.of("aad", AAD)));
  }
}
