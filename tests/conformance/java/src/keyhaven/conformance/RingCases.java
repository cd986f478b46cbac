package keyhaven.conformance;

import static keyhaven.conformance.Client.json;
import static keyhaven.conformance.Client.name;
import static keyhaven.conformance.Client.unknownId;
import static keyhaven.conformance.Report.equal;
import static keyhaven.conformance.Report.given;
import static keyhaven.conformance.Report.refusal;
import static keyhaven.conformance.Report.set;
import static keyhaven.conformance.Report.success;
import static keyhaven.conformance.Report.that;

import com.ibm.cloud.ibm_key_protect_api.v2.model.CreateKeyAliasOptions;
import com.ibm.cloud.ibm_key_protect_api.v2.model.CreateKeyRingOptions;
import com.ibm.cloud.ibm_key_protect_api.v2.model.DeleteKeyAliasOptions;
import com.ibm.cloud.ibm_key_protect_api.v2.model.DeleteKeyRingOptions;
import com.ibm.cloud.ibm_key_protect_api.v2.model.GetRegistrationsAllKeysOptions;
import com.ibm.cloud.ibm_key_protect_api.v2.model.GetRegistrationsOptions;
import com.ibm.cloud.ibm_key_protect_api.v2.model.KeyAliasResource;
import com.ibm.cloud.ibm_key_protect_api.v2.model.ListKeyRingsOptions;
import com.ibm.cloud.ibm_key_protect_api.v2.model.ListKeyRingsWithTotalCount;
import com.ibm.cloud.ibm_key_protect_api.v2.model.PatchKeyOptions;
import com.ibm.cloud.ibm_key_protect_api.v2.model.RegistrationResource;
import com.ibm.cloud.ibm_key_protect_api.v2.model.RegistrationWithTotalCount;
import java.util.List;
import java.util.Map;

/** Aliases, rings, moving keys between rings, and registrations. */
final class RingCases {
  private final Client manager;
  private final Client reader = Client.of("KH_APIKEY_READER");
  private final Client nobody = Client.of("KH_APIKEY_NOBODY");

  RingCases(Client manager) {
    this.manager = manager;
  }

  void run() {
    aliases();
    rings();
    patch();
    registrations();
  }

  private KeyAliasResource alias(String id, String alias) {
    return manager.api
        .createKeyAlias(new CreateKeyAliasOptions.Builder(id, alias, manager.instance).build())
        .execute()
        .getResult()
        .getResources()
        .get(0);
  }

  private void deleteAlias(String id, String alias) {
    manager.api
        .deleteKeyAlias(new DeleteKeyAliasOptions.Builder(id, alias, manager.instance).build())
        .execute();
  }

  private void aliases() {
    success("createKeyAlias", "and the key is found by it", () -> {
      String id = manager.root();
      String alias = name("alias");
      KeyAliasResource got = alias(id, alias);
      equal("alias", got.getAlias(), alias);
      equal("key", got.getKeyId(), id);
      set("creationDate", got.getCreationDate());
      equal("id", manager.metadata(alias).getId(), id);
    });
    refusal("createKeyAlias", "taken by another key", 409, "KEY_ALIAS_NOT_UNIQUE_ERR", () -> {
      String alias = name("taken");
      alias(manager.root(), alias);
      alias(manager.root(), alias);
    });
    success("deleteKeyAlias", "and the key stays", () -> {
      String id = manager.root();
      String alias = name("alias");
      alias(id, alias);
      deleteAlias(id, alias);
      equal("aliases", manager.metadata(id).getAliases(), null);
    });
    refusal("deleteKeyAlias", "of an unknown key", 404, "KEY_NOT_FOUND_ERR",
        () -> deleteAlias(unknownId(), name("alias")));
  }

  private String ring(String ring) {
    manager.api.createKeyRing(new CreateKeyRingOptions.Builder(ring, manager.instance).build())
        .execute();
    return ring;
  }

  private void deleteRing(String ring, boolean force) {
    manager.api
        .deleteKeyRing(
            new DeleteKeyRingOptions.Builder(ring, manager.instance).force(force).build())
        .execute();
  }

  private void rings() {
    success("createKeyRing", "the answer has no body", () -> ring(name("ring")));
    refusal("createKeyRing", "twice", 409, "KEY_RING_RESOURCE_EXISTS_ERR",
        () -> ring(ring(name("ring"))));
    success("listKeyRings", "default first, with the total", () -> {
      ring(name("ring"));
      ListKeyRingsWithTotalCount got =
          reader.api
              .listKeyRings(new ListKeyRingsOptions.Builder(reader.instance)
                                .limit(2)
                                .totalCount(true)
                                .build())
              .execute()
              .getResult();
      equal("first", got.getResources().get(0).getId(), "default");
      equal("page", got.getResources().size(), 2);
      that(set("totalCount", got.getMetadata().getTotalCount()) >= 2,
          "total is " + got.getMetadata().getTotalCount());
      set("creationDate", got.getResources().get(1).getCreationDate());
    });
    refusal("listKeyRings", "an identity without a role", 401, "",
        ()
            -> nobody.api.listKeyRings(new ListKeyRingsOptions.Builder(nobody.instance).build())
                   .execute());
    success("deleteKeyRing", "an empty one", () -> deleteRing(ring(name("ring")), false));
    refusal("deleteKeyRing", "an unknown one", 404, "KEY_RING_NOT_FOUND_ERR",
        () -> deleteRing(name("ring"), true));
  }

  private void patch() {
    success("patchKey", "moves the key", () -> {
      String ring = ring(name("ring"));
      String id = manager.root();
      equal("ring",
          manager.api
              .patchKey(new PatchKeyOptions.Builder(id, manager.instance)
                            .xKmsKeyRing("default")
                            .keyPatchBody(json(Map.of("keyRingID", ring)))
                            .build())
              .execute()
              .getResult()
              .getResources()
              .get(0)
              .getKeyRingId(),
          ring);
      Report.refused(409, "KEY_RING_NOT_EMPTY_ERR", () -> deleteRing(ring, true));
    });
    refusal("patchKey", "to an unknown ring", 404, "KEY_RING_NOT_FOUND_ERR",
        ()
            -> manager.api
                   .patchKey(new PatchKeyOptions.Builder(manager.root(), manager.instance)
                                 .keyPatchBody(json(Map.of("keyRingID", name("ring"))))
                                 .build())
                   .execute());
  }

  private RegistrationWithTotalCount registrations(String id) {
    return manager.api
        .getRegistrations(
            new GetRegistrationsOptions.Builder(id, manager.instance).totalCount(true).build())
        .execute()
        .getResult();
  }

  private RegistrationWithTotalCount allRegistrations(String query) {
    GetRegistrationsAllKeysOptions.Builder options =
        new GetRegistrationsAllKeysOptions.Builder(manager.instance).totalCount(true).limit(10);
    if (query != null)
      options.urlEncodedResourceCrnQuery(query).preventKeyDeletion(true);
    return manager.api.getRegistrationsAllKeys(options.build()).execute().getResult();
  }

  private void registrations() {
    success("getRegistrations", "none of a fresh key", () -> {
      RegistrationWithTotalCount got = registrations(manager.root());
      equal("registrations", got.getResources(), List.of());
      equal("total", got.getMetadata().getTotalCount(), 0L);
    });
    success("getRegistrations", "of a key", () -> {
      RegistrationResource got = registrations(given("KH_REGISTERED_KEY")).getResources().get(0);
      equal("resource", got.getResourceCrn(), given("KH_REGISTERED_CRN"));
      equal("prevents deletion", got.isPreventKeyDeletion(), false);
      set("creationDate", got.getCreationDate());
      set("keyVersion", got.getKeyVersion());
    });
    refusal("getRegistrations", "an unknown key", 404, "KEY_NOT_FOUND_ERR",
        () -> registrations(unknownId()));
    success("getRegistrationsAllKeys", "all",
        () -> set("totalCount", allRegistrations(null).getMetadata().getTotalCount()));
    success("getRegistrationsAllKeys", "those of a resource that prevent deletion",
        ()
            -> equal("key",
                allRegistrations(given("KH_PROTECTED_CRN")).getResources().get(0).getKeyId(),
                given("KH_PROTECTED_KEY")));
    refusal("getRegistrationsAllKeys", "an identity without a role", 401, "",
        ()
            -> nobody.api
                   .getRegistrationsAllKeys(
                       new GetRegistrationsAllKeysOptions.Builder(nobody.instance).build())
                   .execute());
  }
}
