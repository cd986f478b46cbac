package keyhaven.conformance;

import static keyhaven.conformance.Client.json;
import static keyhaven.conformance.Client.unknownId;
import static keyhaven.conformance.Report.equal;
import static keyhaven.conformance.Report.given;
import static keyhaven.conformance.Report.refusal;
import static keyhaven.conformance.Report.set;
import static keyhaven.conformance.Report.success;
import static keyhaven.conformance.Report.that;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.ibm.cloud.ibm_key_protect_api.v2.model.DeleteKeyOptions;
import com.ibm.cloud.ibm_key_protect_api.v2.model.EnableKeyOptions;
import com.ibm.cloud.ibm_key_protect_api.v2.model.KeyWithPayload;
import com.ibm.cloud.ibm_key_protect_api.v2.model.PurgeKeyOptions;
import com.ibm.cloud.ibm_key_protect_api.v2.model.PutPolicyOptions;
import com.ibm.cloud.ibm_key_protect_api.v2.model.RestoreKeyOptions;
import com.ibm.cloud.ibm_key_protect_api.v2.model.SetKeyForDeletionOptions;
import com.ibm.cloud.ibm_key_protect_api.v2.model.SyncAssociatedResourcesOptions;
import com.ibm.cloud.ibm_key_protect_api.v2.model.UnsetKeyForDeletionOptions;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/** Disable, enable, delete, restore, purge, sync, and deletion by two people. */
final class LifeCases {
  private final Client manager;
  private final Client second = Client.of("KH_APIKEY_2");
  private final Client writer = Client.of("KH_APIKEY_WRITER");
  private final Client purger = Client.of("KH_APIKEY_PURGE");
  private String disabled;
  private String destroyed;
  private String doomed;
  private long started;

  LifeCases(Client manager) {
    this.manager = manager;
  }

  /** Starts the waiting times of enable, restore and purge, for `finish`. */
  void startClocks() {
    success("disableKey", "keys for the waiting times at the end", () -> {
      disabled = manager.root();
      destroyed = manager.standard();
      doomed = manager.root();
      manager.disable(disabled);
      manager.delete(destroyed);
      manager.delete(doomed);
    });
    started = System.currentTimeMillis();
  }

  void run() {
    disable();
    delete();
    purge();
    dualAuthorization();
    sync();
  }

  /** What can be done only after a waiting time; a server's clock cannot be awaited. */
  void finish() throws InterruptedException {
    double seconds = Math.max(seconds("KH_RESTORE_WAIT"), seconds("KH_PURGE_WAIT")) + 1;
    Thread.sleep(Math.max(0, started + (long) (seconds * 1000) - System.currentTimeMillis()));
    success("enableKey", "after its waiting time", () -> {
      enable(disabled);
      equal("state", manager.metadata(disabled).getState(), 1L);
    });
    success("restoreKey", "after its waiting time; the answer is a stream", () -> {
      JsonObject key = restore(destroyed).getAsJsonArray("resources").get(0).getAsJsonObject();
      equal("id", key.get("id").getAsString(), destroyed);
      equal("state", key.get("state").getAsInt(), 1);
    });
    success("purgeKey", "after its waiting time", () -> {
      purge(purger, doomed);
      Report.refused(404, "KEY_NOT_FOUND_ERR", () -> manager.metadata(doomed));
    });
  }

  private static double seconds(String variable) {
    return Double.parseDouble(System.getenv(variable));
  }

  private void enable(String id) {
    manager.api.enableKey(new EnableKeyOptions.Builder(id, manager.instance).build()).execute();
  }

  private JsonObject restore(String id) throws Exception {
    try (InputStream stream =
             manager.api
                 .restoreKey(
                     new RestoreKeyOptions.Builder(id, manager.instance, json(Map.of())).build())
                 .execute()
                 .getResult();
         InputStreamReader text = new InputStreamReader(stream, StandardCharsets.UTF_8)) {
      return JsonParser.parseReader(text).getAsJsonObject();
    }
  }

  private void disable() {
    success("disableKey", "and the state shows it", () -> {
      String id = manager.root();
      manager.disable(id);
      equal("state", manager.metadata(id).getState(), 2L);
    });
    refusal("disableKey", "twice", 409, "KEY_ACTION_INVALID_STATE_ERR", () -> {
      String id = manager.root();
      manager.disable(id);
      manager.disable(id);
    });
    refusal("enableKey", "at once after disable", 409, "REQ_TOO_EARLY_ERR", () -> {
      String id = manager.root();
      manager.disable(id);
      enable(id);
    });
    refusal("restoreKey", "an active key", 409, "KEY_ACTION_INVALID_STATE_ERR",
        () -> restore(manager.root()));
  }

  private void delete() {
    success("deleteKey", "representation: dates of restore and purge", () -> {
      KeyWithPayload gone =
          manager.api
              .deleteKey(new DeleteKeyOptions.Builder(manager.standard(), manager.instance)
                             .prefer("return=representation")
                             .build())
              .execute()
              .getResult()
              .getResources()
              .get(0);
      equal("state", gone.getState(), 5L);
      equal("deleted", gone.isDeleted(), true);
      equal("payload", gone.getPayload(), null);
      equal("restoreAllowed", set("restoreAllowed", gone.isRestoreAllowed()), true);
      equal("restorable for",
          gone.getRestoreExpirationDate().getTime() - gone.getDeletionDate().getTime(),
          30L * 86_400_000);
      equal("purged after", gone.getPurgeScheduledOn().getTime() - gone.getDeletionDate().getTime(),
          90L * 86_400_000);
      that(!set("purgeAllowed", gone.isPurgeAllowed()), "purge allowed at once");
    });
    success("deleteKey", "nothing asked: no answer",
        ()
            -> equal("answer",
                manager.api
                    .deleteKey(new DeleteKeyOptions.Builder(manager.root(), manager.instance)
                                   .force(true)
                                   .build())
                    .execute()
                    .getResult(),
                null));
    refusal("deleteKey", "twice", 410, "KEY_DELETED_ERR", () -> {
      String id = manager.root();
      manager.delete(id);
      manager.delete(id);
    });
    refusal("deleteKey", "a registration prevents it, also when forced", 409, "PREV_KEY_DEL_ERR",
        ()
            -> manager.api
                   .deleteKey(
                       new DeleteKeyOptions.Builder(given("KH_PROTECTED_KEY"), manager.instance)
                           .force(true)
                           .build())
                   .execute());
    refusal("deleteKey", "registered, not forced", 409, "PROTECTED_RESOURCE_ERR",
        () -> manager.delete(given("KH_REGISTERED_KEY")));
  }

  private static void purge(Client client, String id) {
    client.api.purgeKey(new PurgeKeyOptions.Builder(id, client.instance).build()).execute();
  }

  private void purge() {
    refusal("purgeKey", "at once after deletion", 409, "REQ_TOO_EARLY_ERR", () -> {
      String id = manager.root();
      manager.delete(id);
      purge(purger, id);
    });
    refusal("purgeKey", "Manager may not", 401, "", () -> {
      String id = manager.root();
      manager.delete(id);
      purge(manager, id);
    });
  }

  private String withTwo() {
    String id = manager.root();
    com.ibm.cloud.ibm_key_protect_api.v2.model.SetKeyPoliciesOneOf<?> body = PolicyCases.dual(true);
    manager.api
        .putPolicy(new PutPolicyOptions.Builder(id, manager.instance, body)
                       .policy("dualAuthDelete")
                       .build())
        .execute();
    return id;
  }

  private static void authorize(Client client, String id) {
    client.api.setKeyForDeletion(new SetKeyForDeletionOptions.Builder(id, client.instance).build())
        .execute();
  }

  private void withdraw(String id) {
    manager.api
        .unsetKeyForDeletion(new UnsetKeyForDeletionOptions.Builder(id, manager.instance).build())
        .execute();
  }

  private void dualAuthorization() {
    success("setKeyForDeletion", "then another person deletes", () -> {
      String id = withTwo();
      authorize(writer, id);
      var dual = manager.metadata(id).getDualAuthDelete();
      equal("set for deletion", dual.isKeySetForDeletion(), true);
      set("authExpiration", dual.getAuthExpiration());
      second.delete(id);
    });
    success("unsetKeyForDeletion", "then nobody deletes alone", () -> {
      String id = withTwo();
      authorize(writer, id);
      withdraw(id);
      Report.refused(409, "AUTHORIZATIONS_NOT_MET", () -> second.delete(id));
    });
    refusal("setKeyForDeletion", "a key without the policy", 409, "NOT_DUAL_AUTH_ERR",
        () -> authorize(manager, manager.root()));
    refusal("unsetKeyForDeletion", "a key without the policy", 409, "NOT_DUAL_AUTH_ERR",
        () -> withdraw(manager.root()));
  }

  private void sync() {
    success("syncAssociatedResources", "a key that nothing is registered with",
        () -> sync(manager.root()));
    refusal("syncAssociatedResources", "an unknown key", 404, "KEY_NOT_FOUND_ERR",
        () -> sync(unknownId()));
  }

  private void sync(String id) {
    manager.api
        .syncAssociatedResources(
            new SyncAssociatedResourcesOptions.Builder(id, manager.instance).build())
        .execute();
  }
}
