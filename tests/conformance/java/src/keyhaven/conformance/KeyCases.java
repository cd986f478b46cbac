package keyhaven.conformance;

import static keyhaven.conformance.Client.KEY_TYPE;
import static keyhaven.conformance.Client.base64;
import static keyhaven.conformance.Client.json;
import static keyhaven.conformance.Client.key;
import static keyhaven.conformance.Client.name;
import static keyhaven.conformance.Client.random;
import static keyhaven.conformance.Client.unknownId;
import static keyhaven.conformance.Report.equal;
import static keyhaven.conformance.Report.refusal;
import static keyhaven.conformance.Report.refusalOf;
import static keyhaven.conformance.Report.set;
import static keyhaven.conformance.Report.success;
import static keyhaven.conformance.Report.that;

import com.ibm.cloud.ibm_key_protect_api.v2.model.CreateKeyOptions;
import com.ibm.cloud.ibm_key_protect_api.v2.model.CreateKeyWithPoliciesOverridesOptions;
import com.ibm.cloud.ibm_key_protect_api.v2.model.GetKeyCollectionMetadataOptions;
import com.ibm.cloud.ibm_key_protect_api.v2.model.GetKeyOptions;
import com.ibm.cloud.ibm_key_protect_api.v2.model.GetKeyVersionsOptions;
import com.ibm.cloud.ibm_key_protect_api.v2.model.GetKeysOptions;
import com.ibm.cloud.ibm_key_protect_api.v2.model.KeyFullRepresentation;
import com.ibm.cloud.ibm_key_protect_api.v2.model.KeyWithPayload;
import com.ibm.cloud.ibm_key_protect_api.v2.model.ListKeyVersions;
import com.ibm.cloud.ibm_key_protect_api.v2.model.ListKeys;
import com.ibm.cloud.sdk.core.service.exception.ServiceResponseException;
import java.io.InputStream;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** Creating, reading, counting and listing keys, and versions. */
final class KeyCases {
  private final Client manager;
  private final Client reader = Client.of("KH_APIKEY_READER");
  private final Client nobody = Client.of("KH_APIKEY_NOBODY");

  KeyCases(Client manager) {
    this.manager = manager;
  }

  void run() {
    create();
    overrides();
    read();
    list();
    versions();
  }

  private void create() {
    success("createKey", "a root key with all metadata", () -> {
      String alias = name("alias");
      KeyWithPayload key = manager.create(key(name("fields"), false, "description",
          "made by the Java SDK", "tags", List.of("one", "two"), "aliases", List.of(alias)));
      equal("type", key.getType(), KEY_TYPE);
      equal("state", key.getState(), 1L);
      equal("extractable", key.isExtractable(), false);
      equal("imported", key.isImported(), false);
      equal("ring", key.getKeyRingId(), "default");
      equal("aliases", key.getAliases(), List.of(alias));
      equal("tags", key.getTags(), List.of("one", "two"));
      equal("bit length, a text", key.getAlgorithmMetadata().getBitLength(), "256");
      equal("bit size, a number", key.getAlgorithmBitSize(), 256L);
      equal("first version", key.getKeyVersion().getId(), key.getId());
      equal("dual authorization", key.getDualAuthDelete().isEnabled(), false);
      set("creationDate", key.getCreationDate());
      equal("payload", key.getPayload(), null);
      that(key.getCrn().endsWith(manager.instance + ":key:" + key.getId()),
          "crn is " + key.getCrn());
    });
    success("createKey", "representation of an imported standard key", () -> {
      byte[] payload = random(100);
      KeyWithPayload key =
          manager.api
              .createKey(new CreateKeyOptions
                             .Builder(manager.instance,
                                 key(name("import"), true, "payload", base64(payload)))
                             .prefer("return=representation")
                             .build())
              .execute()
              .getResult()
              .getResources()
              .get(0);
      that(Arrays.equals(key.getPayload(), payload), "another payload");
      equal("imported", key.isImported(), true);
    });
    refusal("createKey", "a root key of 15 bytes", 400, "INVALID_FIELD_ERR",
        () -> manager.create(key(name("import"), false, "payload", base64(random(15)))));
    refusal(
        "createKey", "Reader may not", 401, "", () -> reader.create(key(name("denied"), false)));
    refusal("createKey", "two keys in one request", 400, "BAD_BODY_ERR", () -> {
      Map<String, Object> one = Map.of("type", KEY_TYPE, "name", name("two"), "extractable", false);
      manager.create(
          json(Map.of("metadata", Map.of("collectionType", KEY_TYPE, "collectionTotal", 2),
              "resources", List.of(one, one))));
    });
  }

  private KeyWithPayload override(InputStream body) {
    return manager.api
        .createKeyWithPoliciesOverrides(
            new CreateKeyWithPoliciesOverridesOptions.Builder(manager.instance, body).build())
        .execute()
        .getResult()
        .getResources()
        .get(0);
  }

  private void overrides() {
    success("createKeyWithPoliciesOverrides", "rotation and dual authorization", () -> {
      KeyWithPayload key = override(key(name("override"), false, "rotation",
          Map.of("enabled", true, "interval_month", 3), "dualAuthDelete", Map.of("enabled", true)));
      KeyFullRepresentation got = manager.metadata(key.getId());
      equal("interval", set("rotation", got.getRotation()).getIntervalMonth(), 3L);
      equal("dual authorization", got.getDualAuthDelete().isEnabled(), true);
    });
    refusal("createKeyWithPoliciesOverrides", "rotation every 13 months", 400, "INVALID_FIELD_ERR",
        () -> override(key(name("override"), false, "rotation", Map.of("interval_month", 13))));
  }

  private KeyWithPayload get(Client client, String id) {
    return client.api.getKey(new GetKeyOptions.Builder(id, client.instance).build())
        .execute()
        .getResult()
        .getResources()
        .get(0);
  }

  private void read() {
    success("getKey", "the payload of a standard key", () -> {
      KeyWithPayload key = get(manager, manager.standard());
      equal("bytes", set("payload", key.getPayload()).length, 32);
      equal("deleted", key.isDeleted(), false);
    });
    refusal(
        "getKey", "Reader may not see a payload", 401, "", () -> get(reader, manager.standard()));
    refusal("getKey", "an unknown key", 404, "KEY_NOT_FOUND_ERR", () -> get(manager, unknownId()));
    success("getKeyMetadata", "by alias, by a Reader", () -> {
      String alias = name("alias");
      String id = manager.create(key(name("read"), true, "aliases", List.of(alias))).getId();
      equal("id", reader.metadata(alias).getId(), id);
    });
    refusal("getKeyMetadata", "an unknown key", 404, "KEY_NOT_FOUND_ERR",
        () -> manager.metadata(unknownId()));
    refusal("getKeyMetadata", "an instance id that is none", 400, "",
        () -> new Client(System.getenv("KH_APIKEY"), "not-an-id").metadata(unknownId()));
    success("getKeyCollectionMetadata", "a header with the total, no body", () -> {
      long before = total(
          new GetKeyCollectionMetadataOptions.Builder(manager.instance).extractable(true).build());
      manager.standard();
      equal("standard keys",
          total(new GetKeyCollectionMetadataOptions.Builder(manager.instance)
                    .extractable(true)
                    .build()),
          before + 1);
      equal("suspended keys created in 2000",
          total(new GetKeyCollectionMetadataOptions.Builder(manager.instance)
                    .state(List.of(1L, 2L))
                    .filter("creationDate=lt:\"2000-01-01T00:00:00Z\"")
                    .build()),
          0L);
    });
    refusal("getKeyCollectionMetadata", "an instance of somebody else", 401, null, () -> {
      Client foreign = new Client(System.getenv("KH_APIKEY"), unknownId());
      foreign.api
          .getKeyCollectionMetadata(
              new GetKeyCollectionMetadataOptions.Builder(foreign.instance).build())
          .execute();
    });
  }

  private long total(GetKeyCollectionMetadataOptions options) {
    List<String> values =
        manager.api.getKeyCollectionMetadata(options).execute().getHeaders().values("Key-Total");
    equal("Key-Total headers", values.size(), 1);
    return Long.parseLong(values.get(0));
  }

  private ListKeys list(GetKeysOptions.Builder options) {
    return manager.api.getKeys(options.build()).execute().getResult();
  }

  private GetKeysOptions.Builder keys() {
    return new GetKeysOptions.Builder(manager.instance);
  }

  private void list() {
    success("getKeys", "search, sort, filter and states together", () -> {
      String word = "Find" + Client.TAG;
      String first = manager.create(key(word + " a", false)).getId();
      String second = manager.create(key(word + " b", false)).getId();
      manager.disable(second);
      manager.create(key(word + " c", true));
      ListKeys found = list(keys()
                                .search("name:" + word.toUpperCase())
                                .sort("-state")
                                .addState(1L)
                                .addState(2L)
                                .extractable(false)
                                .filter("expirationDate=none")
                                .limit(10)
                                .offset(0));
      equal("ids", found.getResources().stream().map(KeyFullRepresentation::getId).toList(),
          List.of(second, first));
      equal("total", found.getMetadata().getCollectionTotal(), 2L);
      equal("query",
          set("searchQuery", found.getMetadata().getSearchQuery()).getQuery().toLowerCase(),
          word.toLowerCase());
    });
    refusal("getKeys", "a page of 5001", 400, "INVALID_QUERY_PARAM_ERR",
        () -> list(keys().limit(5001)));
    refusal("getKeys", "state 4", 400, "INVALID_QUERY_PARAM_ERR", () -> list(keys().addState(4L)));
    refusalOf("getKeys", "an unknown API key is refused by the identity service", () -> {
      Client unknown = new Client("no-such-key-" + Client.TAG, manager.instance);
      try {
        unknown.api.getKeys(keys().build()).execute();
      } catch (ServiceResponseException refusal) {
        equal("status", refusal.getStatusCode(), 400);
        that(refusal.getResponseBody().contains("BXNIM0415E"),
            "body is " + refusal.getResponseBody());
        return;
      }
      throw new Report.Mismatch("not refused");
    });
    refusal("getKeyMetadata", "an identity without a role", 401, "",
        () -> nobody.metadata(manager.root()));
  }

  private void versions() {
    success("getKeyVersions", "newest first, with the total", () -> {
      String id = manager.root();
      manager.rotate(id, null);
      ListKeyVersions got =
          manager.api
              .getKeyVersions(new GetKeyVersionsOptions.Builder(id, manager.instance)
                                  .totalCount(true)
                                  .limit(1)
                                  .build())
              .execute()
              .getResult();
      equal("total", got.getMetadata().getTotalCount(), 2L);
      equal("newest", got.getResources().get(0).getId(),
          manager.metadata(id).getKeyVersion().getId());
      set("creationDate", got.getResources().get(0).getCreationDate());
    });
    success("getKeyVersions", "of a destroyed key, when all states are asked for", () -> {
      String id = manager.root();
      manager.delete(id);
      equal("versions",
          manager.api
              .getKeyVersions(new GetKeyVersionsOptions.Builder(id, manager.instance)
                                  .allKeyStates(true)
                                  .build())
              .execute()
              .getResult()
              .getResources()
              .size(),
          1);
    });
    refusal("getKeyVersions", "of a disabled key", 409, "KEY_ACTION_INVALID_STATE_ERR", () -> {
      String id = manager.root();
      manager.disable(id);
      manager.api.getKeyVersions(new GetKeyVersionsOptions.Builder(id, manager.instance).build())
          .execute();
    });
  }
}
